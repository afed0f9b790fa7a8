/** The settings of the storage fee. */
import { z } from 'zod'
import { storageMeasures, storageParts } from '../accounts/storage-terms.ts'
import { bytes, currency, positiveAmount, unitBytes } from './fields.ts'

export const storageFee = z
  .strictObject({
    prices: z
      .record(currency(), positiveAmount())
      .default({})
      .describe('Price of one unit for a month, by currency; storage costs nothing in others.'),
    unitBytes: unitBytes().default(1_000_000_000).describe('What one unit is; a unit that is begun counts whole.'),
    thresholdBytes: bytes().default(0).describe('At it and below there is no fee.'),
    charged: z
      .enum(storageParts)
      .default('above')
      .describe('Above the threshold, units of what is above it are charged, or of the whole.'),
    measure: z
      .enum(storageMeasures)
      .default('peak')
      .describe('The highest day of the month, or the average of the days that were reported.'),
    billedOnDay: z
      .int()
      .min(1)
      .max(28)
      .default(2)
      .describe(
        'Day of the next month, in the zone of the account, on which a month is billed; until then its days may be reported.',
      ),
  })
  .prefault({})
  .describe(
    'Monthly fee for what accounts store, as the operator reports it. Changes hold for months that are billed after a reload.',
  )
