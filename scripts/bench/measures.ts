/** Everything that is measured, by the name that it is asked for. */
import { accountMeasure } from './accounts.ts'
import { archive } from './archive.ts'
import { decks } from './decks.ts'
import { drachtio } from './drachtio.ts'
import { drain } from './drain.ts'
import { exportsMeasure } from './exports.ts'
import { http } from './http.ts'
import { lengths } from './lengths.ts'
import { liveCalls } from './live-calls.ts'
import { redis } from './redis.ts'
import type { Measure } from './section.ts'
import { sip } from './sip.ts'
import { socket } from './socket.ts'
import { takeover } from './takeover.ts'
import { tariffs } from './tariffs.ts'
import { usage } from './usage.ts'

export const measures: Readonly<Record<string, Measure>> = {
  redis,
  http,
  socket,
  accounts: accountMeasure,
  tariffs,
  decks,
  archive,
  exports: exportsMeasure,
  usage,
  lengths,
  sip,
  drachtio,
  'live-calls': liveCalls,
  takeover,
  drain,
}
