/** The catalog in force. It is replaced in one step by a folder that is wholly good, and by nothing else. */
import { Fault } from '../base/fault.ts'
import { loadCatalog, type Catalog } from './load.ts'
import { type ConfigProblem, formatProblem } from './problems.ts'
import { keepStarted } from './restart.ts'
import { type ConfigSource, processSource } from './settings.ts'

export type ReloadResult =
  | {
      readonly kind: 'reloaded'
      readonly catalog: Catalog
      readonly warnings: readonly ConfigProblem[]
      /** Settings that differ from those in force and wait for a restart, such as "http.port". */
      readonly needRestart: readonly string[]
    }
  | {
      /** The catalog stays as it was. */
      readonly kind: 'kept'
      readonly problems: readonly ConfigProblem[]
      readonly truncated: boolean
    }

export class CurrentCatalog {
  /** Of the folder as it was loaded first. */
  readonly firstWarnings: readonly ConfigProblem[]
  readonly #source: ConfigSource
  #inForce: Catalog
  #running: Promise<ReloadResult> | undefined
  #waiting: Promise<ReloadResult> | undefined

  private constructor(source: ConfigSource, first: Catalog, warnings: readonly ConfigProblem[]) {
    this.#source = source
    this.#inForce = first
    this.firstWarnings = warnings
  }

  /** Loads the folder for the first time; a daemon does not start on a bad one. */
  static async open(source: ConfigSource = processSource()): Promise<CurrentCatalog> {
    const loaded = await loadCatalog(source)
    if (loaded.kind === 'loaded') return new CurrentCatalog(source, loaded.catalog, loaded.warnings)
    throw new Fault(
      'config_invalid',
      `the configuration is not valid:\n${loaded.problems.map(formatProblem).join('\n')}`,
    )
  }

  /** Take it once for each decision: it may be another one the next time. */
  get inForce(): Catalog {
    return this.#inForce
  }

  /**
   * Reads the folder again. Whoever asks while a reload runs gets the next one, as the running one may have read the
   * files before they were changed; all who wait share it, so a storm of requests is two reloads.
   */
  async reload(): Promise<ReloadResult> {
    this.#waiting ??= this.#after(this.#running)
    return this.#waiting
  }

  async #after(running: Promise<unknown> | undefined): Promise<ReloadResult> {
    await running?.catch(() => undefined)
    this.#running = this.#waiting
    this.#waiting = undefined
    return this.#load()
  }

  async #load(): Promise<ReloadResult> {
    const before = this.#inForce
    const loaded = await loadCatalog(this.#source, before)
    if (loaded.kind === 'invalid') return { kind: 'kept', problems: loaded.problems, truncated: loaded.truncated }
    const { settings, needRestart } = keepStarted(before.settings, loaded.catalog.settings)
    const catalog: Catalog = { ...loaded.catalog, settings }
    this.#inForce = catalog
    return { kind: 'reloaded', catalog, warnings: loaded.warnings, needRestart }
  }
}
