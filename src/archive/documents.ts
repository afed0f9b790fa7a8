/** Tariffs, API keys and settings of the store: few, seldom changed, kept as they are now. */
import type { LedgerStreams, StoreDocument, StoredContent } from '../ledger/streams.ts'
import type { Database } from './database.ts'

/** Contents of tariffs are named by their hash. */
const NEVER_CHANGES = 'tariff:%'

export async function keepDocuments(database: Database, streams: LedgerStreams): Promise<void> {
  const known = await database.use(
    (sql) => sql<{ name: string }[]>`select name from document where name like ${NEVER_CHANGES}`,
  )
  for await (const { name, content } of streams.documents(new Set(known.map((row) => row.name)))) {
    const text = JSON.stringify(content)
    await database.use(
      (sql) => sql`insert into document (name, content) values (${name}, ${text})
        on conflict (name) do update set content = excluded.content where document.content <> excluded.content`,
    )
  }
}

export async function documentsIn(database: Database): Promise<readonly StoreDocument[]> {
  const rows = await database.use((sql) => sql<{ name: string; content: string }[]>`select name, content from document`)
  return rows.map(({ name, content }) => ({ name, content: JSON.parse(content) as StoredContent }))
}
