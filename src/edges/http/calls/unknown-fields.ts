/** Fields that no contract knows, on the path where they are not refused: counted, and each name logged once. */
import type { Logger } from '../../../observe/log.ts'
import type { Metrics, Operation } from '../../../observe/metrics.ts'

/** Names are the callers' choice; beyond so many they are only counted. */
const MAX_NAMES = 200

export class UnknownFields {
  readonly #log: Logger
  readonly #metrics: Metrics
  readonly #names = new Set<string>()

  constructor(parts: { readonly log: Logger; readonly metrics: Metrics }) {
    this.#log = parts.log
    this.#metrics = parts.metrics
  }

  of(operation: Operation): (name: string) => void {
    return (name) => {
      this.#metrics.unknownField(operation)
      this.#note(operation, name)
    }
  }

  /** A body that was no form may have anything for a name, so what could be a number is not written. */
  #note(operation: Operation, name: string): void {
    const field = name.slice(0, 64).replace(/\d{4,}/g, '#')
    if (this.#names.has(field) || this.#names.size >= MAX_NAMES) return
    this.#names.add(field)
    this.#log.warn({ operation, field }, 'unknown field ignored')
  }
}
