/** What every command shares: its output in two forms, the daemon it talks to, and its exit code. */
import { type Settings, type SettingsResult, readSettings } from '../catalog/settings.ts'
import { Api } from './api.ts'
import { findConnection } from './connection.ts'
import { type CliContext, type ExitCode, exitCodes } from './context.ts'
import { configFailure } from './problems.ts'
import { type Column, table } from './text.ts'

export class Cli {
  readonly context: CliContext
  /** `--json` was given. */
  readonly isJson: () => boolean
  #exitCode: ExitCode = exitCodes.done

  constructor(context: CliContext, isJson: () => boolean) {
    this.context = context
    this.isJson = isJson
  }

  get exitCode(): ExitCode {
    return this.#exitCode
  }

  /** The command has done what it could, and this is how it ends. */
  endWith(code: ExitCode): void {
    this.#exitCode = code
  }

  /** One answer: as JSON, or as text for people. */
  print(answer: unknown, text: () => string): void {
    this.context.out(this.isJson() ? `${JSON.stringify(answer, undefined, 2)}\n` : `${text()}\n`)
  }

  /** A list: `{ "items": […] }`, or a table. */
  printList<Row>(
    list: { readonly rows: readonly Row[]; readonly raw: readonly unknown[]; readonly none: string },
    columns: readonly Column<Row>[],
  ): void {
    const { rows, raw, none } = list
    this.print({ items: raw }, () => (rows.length === 0 ? none : table(rows, columns, this.context)))
  }

  /** Something to know beside the answer. */
  note(text: string): void {
    this.context.err(`${text}\n`)
  }

  /** The daemon's API, as the settings and the data folder say where it is. */
  async api(): Promise<Api> {
    return new Api(await findConnection(await this.settings()))
  }

  async settings(): Promise<Settings> {
    const read = await this.readSettings()
    if (read.kind === 'invalid') throw configFailure(read.problems)
    return read.settings
  }

  readSettings(): Promise<SettingsResult> {
    const { env, cwd } = this.context.source
    return readSettings(env, cwd)
  }
}
