/** The tariffs of a simulated installation: shared by its daemons, each of which may have read an older revision. */
import type { TariffBook } from '../../src/rating/book.ts'
import type { Tariff } from '../../src/rating/tariff.ts'
import { tariffOf } from '../rating/tariffs.ts'
import type { RateSpec } from './worlds.ts'

interface Version {
  readonly tariff: Tariff
  readonly rate: RateSpec
  readonly revision: number
}

export class SimBook {
  revision = 0
  readonly #versions: Version[] = []

  add(name: string, rate: RateSpec): void {
    const version = this.#versions.filter(({ tariff }) => tariff.head.name === name).length + 1
    const perMinute = (rate.perMinute / 1_000_000).toFixed(6)
    const connectFee = (rate.fee / 1_000_000).toFixed(6)
    const increments = { firstIncrement: rate.first, nextIncrement: rate.next }
    const rows = [
      { prefix: '44', perMinute, connectFee, ...increments },
      { prefix: '900', perMinute: '9', blocked: true },
    ]
    this.#versions.push({ tariff: tariffOf(rows, { name, version }), rate, revision: this.revision })
  }

  rateOf(name: string, version?: number): RateSpec {
    const found = this.#versions.findLast(
      ({ tariff: { head } }) => head.name === name && (version === undefined || head.version === version),
    )
    if (!found) throw new Error(`no tariff ${name} ${version ?? ''}`)
    return found.rate
  }

  /** As one daemon reads it. */
  reader(): TariffBook {
    const shared = this.#versions
    const revision = (): number => this.revision
    let read = revision()
    const known = (name: string) => shared.filter((v) => v.tariff.head.name === name && v.revision <= read)
    return {
      get revision() {
        return read
      },
      async refresh() {
        read = revision()
        await Promise.resolve()
      },
      inForce: (name) => known(name).at(-1)?.tariff,
      pinned: async (name, version) => {
        await Promise.resolve()
        return shared.find(({ tariff: { head } }) => head.name === name && head.version === version)?.tariff
      },
    }
  }
}
