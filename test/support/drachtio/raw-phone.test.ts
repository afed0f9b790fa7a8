/** Phones of tests get the ports of phones that are gone: what is still said to those is not for them. */
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { until } from '../../edges/sip/process.ts'
import { DrachtioDouble } from './drachtio-double.ts'
import { RawPhone } from './raw-phone.ts'

const T1_MS = 20

it('a phone on the port of another hears none of its answers, and is answered itself', async ({ onTestFinished }) => {
  const server = await DrachtioDouble.open({ secret: 'cymru', t1Ms: T1_MS })
  onTestFinished(() => server.close())
  const first = await RawPhone.open(server.sipPort)
  first.say(first.request('INVITE'))
  await until('the first is refused', () => first.statuses('INVITE').includes(503))
  first.close()
  const second = await RawPhone.open(server.sipPort, first.port)
  onTestFinished(() => second.close())
  // Nobody acknowledges the refusal of the first, so it is sent again meanwhile.
  await pause(10 * T1_MS)
  expect(second.got).toEqual([])
  const invite = second.request('INVITE')
  second.say(invite)
  await until('the second is refused', () => second.statuses('INVITE').includes(503))
  expect(new Set(second.got.map((answer) => answer.get('Call-ID')))).toEqual(new Set([invite.get('Call-ID')]))
})
