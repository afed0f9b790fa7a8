/** The machine that the daemon runs on: Node, limits, time zones, and the data folder. */
import { constants } from 'node:fs'
import { access, readFile, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { zoneOffsetMs } from '../../base/time.ts'
import { bad, type Check, doubtful, good } from './check.ts'

const OLDEST_NODE = 24
const ENOUGH_FILES = 4_096
const TOO_FEW_FILES = 256

/** Connections and files are both file descriptors. */
export async function examineMachine(): Promise<readonly Check[]> {
  return [examineNode(), await examineLimits(), examineZones()]
}

function examineNode(): Check {
  const { version } = process
  if (Number.parseInt(version.slice(1), 10) >= OLDEST_NODE) return good('node', `Node ${version}`)
  return bad('node', `Node ${version} is too old: use ${OLDEST_NODE} or newer`)
}

async function examineLimits(): Promise<Check> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1]
  if (soft === undefined) return doubtful('open files', 'the limit of open files is not known on this machine')
  const files = soft === 'unlimited' ? Infinity : Number(soft)
  if (files >= ENOUGH_FILES) return good('open files', `${soft} may be open at once`)
  const detail = `only ${soft} may be open at once: raise it (ulimit -n, LimitNOFILE) to ${ENOUGH_FILES} or more`
  return files < TOO_FEW_FILES ? bad('open files', detail) : doubtful('open files', detail)
}

/** New York in July: four hours behind, if the machine knows its summer time. */
function examineZones(): Check {
  const july = Date.UTC(2026, 6, 1)
  if (zoneOffsetMs(july, 'America/New_York') === -4 * 3_600_000) return good('time zones', 'their data is there')
  return bad('time zones', 'this Node has no data of time zones: use a full build')
}

const GIBIBYTE = 1024 ** 3
const LITTLE_SPACE = GIBIBYTE
const NO_SPACE = GIBIBYTE / 10

export async function examineDataFolder(dataDir: string): Promise<readonly Check[]> {
  const found = await stat(dataDir).catch(() => undefined)
  if (!found) return [await examineParent(dataDir)]
  if (!found.isDirectory()) return [bad('data folder', `${dataDir} is no folder`)]
  const checks = [await examineRights(dataDir, found.mode), await examineSpace(dataDir)]
  const key = await examineKey(join(dataDir, 'api-key'))
  return key ? [...checks, key] : checks
}

async function examineParent(dataDir: string): Promise<Check> {
  const parent = dirname(dataDir)
  const writable = await isWritable(parent)
  if (writable) return good('data folder', `${dataDir} is made at the first start`)
  return bad('data folder', `${dataDir} is not there and cannot be made in ${parent}`)
}

async function examineRights(dataDir: string, mode: number): Promise<Check> {
  if (!(await isWritable(dataDir))) return bad('data folder', `${dataDir} cannot be written by this user`)
  if ((mode & 0o022) !== 0) return bad('data folder', `${dataDir} can be written by others: chmod 700 ${dataDir}`)
  if ((mode & 0o055) !== 0)
    return doubtful('data folder', `${dataDir} can be looked into by others: chmod 700 ${dataDir}`)
  return good('data folder', `${dataDir} is ours alone`)
}

async function examineSpace(dataDir: string): Promise<Check> {
  const { bavail, bsize } = await statfs(dataDir)
  const free = bavail * bsize
  const detail = `${(free / GIBIBYTE).toFixed(1)} GiB free`
  if (free < NO_SPACE) return bad('disk space', `${detail}: money can soon not be written any more`)
  return free < LITTLE_SPACE ? doubtful('disk space', `${detail}: that is little`) : good('disk space', detail)
}

async function examineKey(file: string): Promise<Check | undefined> {
  const found = await stat(file).catch(() => undefined)
  if (!found) return undefined
  if ((found.mode & 0o077) === 0) return good('key file', `${file} is ours alone`)
  return bad('key file', `${file} opens everything and can be read by others: chmod 600 ${file}, and make a new one`)
}

async function isWritable(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
}
