/** Exact sums by name. */
export class Sums {
  readonly #sums = new Map<string, bigint>()

  add(name: string, change: number | bigint): void {
    const sum = (this.#sums.get(name) ?? 0n) + BigInt(change)
    if (sum === 0n) this.#sums.delete(name)
    else this.#sums.set(name, sum)
  }

  get(name: string): bigint {
    return this.#sums.get(name) ?? 0n
  }

  get isEmpty(): boolean {
    return this.#sums.size === 0
  }

  clear(): void {
    this.#sums.clear()
  }

  names(): Iterable<string> {
    return this.#sums.keys()
  }

  /** Those that are zero are absent. */
  all(): ReadonlyMap<string, bigint> {
    return this.#sums
  }
}
