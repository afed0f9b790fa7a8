/** Exports of a daemon that makes none. */
import type { HttpParts } from '../../../src/edges/http/parts.ts'
import type { Export, ExportOrder } from '../../../src/exports/export.ts'
import type { Scene } from './fake-daemon.ts'

export const EXPORT_ID = '0123456789abcdef0123456789abcdef'

export function fakeExports(
  scene: Pick<Scene, 'exportRefused' | 'exportPath'>,
  note: (what: string, input: unknown) => void,
): HttpParts['exports'] {
  return {
    create: async (order) => {
      note('createExport', order)
      return scene.exportRefused ?? exported(order)
    },
    find: async (account) => scene.exportRefused ?? exported(orderOf(account)),
    list: async (account) => [exported(orderOf(account))],
    fileOf: async () => scene.exportRefused ?? scene.exportPath,
    remove: async (account) => scene.exportRefused ?? exported(orderOf(account)),
  }
}

function orderOf(account: string): ExportOrder {
  const period = { fromMs: Date.UTC(2026, 10, 1, 5), untilMs: Date.UTC(2026, 10, 23, 10), timezone: 'America/New_York' }
  const rest = { content: 'cdrs', format: 'csv', includeDescendants: false, by: 'day', heading: true } as const
  return { account, ...period, ...rest }
}

function exported(order: ExportOrder): Export {
  const createdAtMs = Date.UTC(2026, 10, 23, 10)
  const file = { file: 'calls.csv', bytes: 10 }
  return {
    id: EXPORT_ID,
    order,
    state: 'done',
    rows: 2,
    progress: 1000,
    createdAtMs,
    expiresAtMs: createdAtMs,
    ...file,
  }
}
