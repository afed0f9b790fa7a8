/** The tariff book and the API keys in the words of the HTTP edge. */
import type { ApiKeys } from '../accounts/api-keys.ts'
import type { Archive } from '../archive/archive.ts'
import type { Clock } from '../base/time.ts'
import type { ArchivePort, AuditPort, KeyPort, TariffPort, VersionSummary, VersionView } from '../edges/http/parts.ts'
import type { TariffContent, TariffVersionDetail } from '../rating/book.ts'
import { RedisAudit } from '../store/redis-audit.ts'
import { activate, type GuardedBook } from './activating.ts'
import type { Core } from './core.ts'
import type { BootstrapKey } from './bootstrap-key.ts'

export function tariffPort(book: GuardedBook, clock: Clock): TariffPort {
  return {
    async addVersion(name, { rates, ...head }) {
      const added = await book.addVersion({ name, ...head }, rates)
      if (added.kind === 'added') {
        const { version, rates: count, sha256 } = added.version
        return { kind: 'added', name, version, rates: count, sha256 }
      }
      const problems = added.problems.map(({ row, field, message }) => {
        return row > 0 ? { index: row - 1, field, message } : { field, message }
      })
      return { kind: 'invalid', problems }
    },
    activate: (name, version, asked) => activate({ book, clock }, { name, version, ...asked }),
    async list() {
      const tariffs = await book.list()
      return tariffs.map(({ name, versions, newest, inForce }) => {
        return { name, currency: newest.currency, versions, ...(inForce ? { active: inForce.version } : {}) }
      })
    },
    async versions(name) {
      return (await book.versions(name))?.map(versionSummary)
    },
    async show(query) {
      const content = await book.show(query)
      return content && versionView(content)
    },
    async rates(name, version) {
      const found = await book.rates(name, version)
      return found && { head: { ...found.head, version }, parts: found.parts }
    },
  }
}

function versionSummary({
  version,
  rates,
  sha256,
  currency,
  createdAtMs,
  activations,
}: TariffVersionDetail): VersionSummary {
  const from = activations.map((activation) => ({ version: activation.version, fromMs: activation.atMs }))
  return { version, rates, sha256, currency, createdAtMs, activations: from }
}

function versionView(content: TariffContent): VersionView {
  const { head, rows, nextCursor } = content
  return {
    ...versionSummary(content),
    timezone: head.timezone ?? 'UTC',
    rounding: { decimals: head.rounding?.decimals ?? 6, mode: head.rounding?.mode ?? 'half_up' },
    items: rows,
    ...(nextCursor === undefined ? {} : { nextCursor }),
  }
}

/** The bootstrap key is known without the store; all others are the store's. */
export function keyPort(bootstrap: BootstrapKey, keys: ApiKeys): KeyPort {
  return {
    verify: (text) => bootstrap.verify(text) ?? keys.verify(text),
    create: (input) => keys.create(input),
    revoke: (id) => keys.revoke(id),
    list: () => keys.list(),
  }
}

/** Drifts as sentences. */
export function auditPort(audit: RedisAudit): AuditPort {
  return {
    async verify() {
      const { entries, checkpointed, accounts, partitions, drifts } = await audit.verify()
      const problems = drifts.map(({ partition, account, counter, journal, live }) => {
        return `partition ${partition}, account ${account || '-'}, ${counter}: journal ${journal}, live ${live}`
      })
      return { ok: drifts.length === 0, entries, checkpointed, accounts, partitions, problems }
    },
  }
}

/** The archived journal is held against the balances, and the archived CDRs against that journal. */
export function archivePort({ store, keys, partitions }: Core, archive: Archive): ArchivePort {
  const balances = auditPort(new RedisAudit({ store, keys, partitions, journal: archive }))
  return {
    status: () => archive.status(),
    async verify() {
      const report = await balances.verify()
      const problems = [...report.problems, ...(await archive.problems())]
      return { ...report, ok: problems.length === 0, problems }
    },
  }
}
