/** Makes the database in the folder that is its argument: in a process of its own, because it takes 600 MB that no thread gives back. */
import { openDatabase } from './pglite.ts'

const [, , dataDir] = process.argv
if (dataDir === undefined) throw new TypeError('the folder is missing')
const database = await openDatabase(dataDir)
await database.close()
