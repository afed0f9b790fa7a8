/** Settings of events and of who is told of them. */
import { z } from 'zod'
import { seconds } from './fields.ts'

export const events = z
  .strictObject({
    kept: z
      .int()
      .min(100)
      .max(1_000_000)
      .default(50_000)
      .describe('How many of the newest events are kept for those who ask again.'),
    streams: z
      .int()
      .min(0)
      .max(10_000)
      .default(100)
      .describe('Clients of the stream of events at once; more are refused.'),
  })
  .prefault({})
  .describe('Events of accounts.')

export const webhooks = z
  .strictObject({
    allowPrivate: z
      .boolean()
      .default(false)
      .describe('Send also by http, and to addresses that are not of the public Internet.'),
    deadlineSeconds: seconds(1, 60).default(15).describe('How long an endpoint may take to answer.'),
    disableAfterDays: z
      .int()
      .min(1)
      .max(90)
      .default(5)
      .describe('An endpoint to which nothing could be delivered for so long is disabled.'),
  })
  .prefault({})
  .describe('Outgoing webhooks.')
