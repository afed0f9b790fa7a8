/** Compiled tariffs of this daemon: the most recently used, as many as a number of rates in all allows. */
import type { Tariff } from '../rating/tariff.ts'

export class TariffMemory {
  readonly #maxRates: number
  readonly #tariffs = new Map<string, Tariff>()
  readonly #loading = new Map<string, Promise<Tariff | undefined>>()
  #rates = 0

  constructor(maxRates: number) {
    this.#maxRates = maxRates
  }

  get(name: string, version: number): Tariff | undefined {
    const key = `${name}:${version}`
    const tariff = this.#tariffs.get(key)
    if (!tariff) return undefined
    this.#tariffs.delete(key)
    this.#tariffs.set(key, tariff)
    return tariff
  }

  /** From memory or by `load`; many that want one version at once load it once. */
  async find(name: string, version: number, load: () => Promise<Tariff | undefined>): Promise<Tariff | undefined> {
    const known = this.get(name, version)
    if (known) return known
    const key = `${name}:${version}`
    const loading = this.#loading.get(key) ?? load()
    this.#loading.set(key, loading)
    try {
      const tariff = await loading
      if (tariff && !this.#tariffs.has(key)) this.#keep(key, tariff)
      return tariff
    } finally {
      this.#loading.delete(key)
    }
  }

  #keep(key: string, tariff: Tariff): void {
    this.#tariffs.set(key, tariff)
    this.#rates += tariff.size
    for (const [oldest, { size }] of this.#tariffs) {
      if (this.#rates <= this.#maxRates || oldest === key) return
      this.#tariffs.delete(oldest)
      this.#rates -= size
    }
  }
}
