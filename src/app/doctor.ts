/** Looks at everything that the daemon stands on, and changes nothing. */
import type { Clock } from '../base/time.ts'
import { type Catalog, loadCatalog } from '../catalog/load.ts'
import { formatProblem } from '../catalog/problems.ts'
import type { ConfigSource, Settings } from '../catalog/settings.ts'
import { bad, type Check, doubtful, good } from './doctor/check.ts'
import { examineEdges } from './doctor/edges.ts'
import { examineDataFolder, examineMachine } from './doctor/machine.ts'
import { examineSip } from './doctor/sip.ts'
import { examineStore } from './doctor/store.ts'

export type { Check } from './doctor/check.ts'

export async function examine(source: ConfigSource, clock: Clock): Promise<readonly Check[]> {
  const config = await examineConfig(source)
  const machine = await examineMachine()
  const { catalog } = config
  return [...config.checks, ...machine, ...(catalog ? await examineSettings(catalog.settings, clock) : [])]
}

async function examineSettings(settings: Settings, clock: Clock): Promise<readonly Check[]> {
  const [folder, store, edges, sip] = await Promise.all([
    examineDataFolder(settings.dataDir),
    examineStore(settings, clock),
    examineEdges(settings),
    examineSip(settings),
  ])
  return [...folder, ...store, ...edges, ...sip]
}

interface Config {
  readonly checks: readonly Check[]
  readonly catalog?: Catalog
}

async function examineConfig(source: ConfigSource): Promise<Config> {
  const loaded = await loadCatalog(source)
  if (loaded.kind === 'invalid')
    return { checks: loaded.problems.map((problem) => bad('config', formatProblem(problem))) }
  const { catalog, warnings } = loaded
  const warned = warnings.map((warning) => doubtful('config', formatProblem(warning)))
  return { checks: [...warned, good('config', `${catalog.settings.configDir} is good`)], catalog }
}
