/** What processes use, by /proc, and how figures are spread. */
import { readFile, readdir } from 'node:fs/promises'
import { Redis } from 'ioredis'

/** Of USER_HZ, which Linux shows to programs as 100 on every machine. */
const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096

export async function residentBytes(pid: number): Promise<number> {
  const [, pages = '0'] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')
  return Number(pages) * PAGE_BYTES
}

/** Seconds of processor time that the process and those it forked have used; children that ended count with their parent. */
export async function cpuSeconds(pid: number): Promise<number> {
  let ticks = 0
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    // A process may end while it is looked at.
    const text = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    if (Number(entry) !== pid && Number(fields[2]) !== pid) continue
    ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks / TICKS_PER_SECOND
}

export async function redisBytes(url: string): Promise<number> {
  const client = new Redis(url, { lazyConnect: true })
  try {
    await client.connect()
    return Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1] ?? Number.NaN)
  } finally {
    client.disconnect()
  }
}

/** The value that so many hundredths of them do not exceed. */
export function percentile(values: readonly number[], hundredths: number): number {
  const ordered = values.toSorted((a, b) => a - b)
  return ordered[Math.max(0, Math.ceil((ordered.length * hundredths) / 100) - 1)] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return percentile(values, 50)
}

export function round(value: number, decimals = 2): number {
  return Number(value.toFixed(decimals))
}
