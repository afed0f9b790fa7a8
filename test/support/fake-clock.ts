/** The clock of a real process, set while it runs: libfaketime stands before the C library's. */
import { globSync } from 'node:fs'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class FakeClock {
  /** What the process is to be started with. */
  readonly env: Readonly<Record<string, string>>
  readonly #folder: string
  readonly #file: string

  private constructor(folder: string, library: string) {
    this.#folder = folder
    this.#file = join(folder, 'offset')
    this.env = {
      // The C library's own malloc comes before jemalloc's, which asks for the time before libfaketime is ready, and hangs.
      LD_PRELOAD: `${library} libc.so.6`,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      // The file is read again for each question, so that the clock steps at once; what measures lengths goes on.
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }
  }

  static async make(): Promise<FakeClock> {
    const [library] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')
    if (library === undefined) throw new Error('libfaketime is missing: apt-get install faketime')
    const clock = new FakeClock(await mkdtemp(join(tmpdir(), 'tollgate-clock-')), library)
    await clock.set(0)
    return clock
  }

  /** Ahead of the true time; behind it when less than zero. */
  async set(aheadSeconds: number): Promise<void> {
    // In one step, as half a file is read as another time.
    await writeFile(`${this.#file}.new`, `${aheadSeconds < 0 ? '' : '+'}${aheadSeconds}\n`)
    await rename(`${this.#file}.new`, this.#file)
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}
