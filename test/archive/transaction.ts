/** A transaction that a server dies in, and what comes after it: node transaction.ts <url>. */
import { setTimeout as pause } from 'node:timers/promises'
import { Database } from '../../src/archive/database.ts'

const [, , url = ''] = process.argv
const database = new Database({ url, embedded: { folder: '', lock: () => undefined } })

const under = database.transaction(async (sql) => {
  await sql`select 1`
  console.log('under way')
  await sql`select pg_sleep(60)`
})
await under.catch((error: unknown) => {
  console.log('rejected', error)
})
for (let tries = 0; tries < 100; tries += 1) {
  await pause(200)
  const done = await database.transaction((sql) => sql`select 1`).catch(() => undefined)
  if (done) break
}
console.log('again')
await database.close()
