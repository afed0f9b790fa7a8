/** The scripted provider remembers as a real one does. */
import { expect, it } from 'vitest'
import { SandboxProvider } from '../../../src/edges/payments/sandbox.ts'
import { FakeClock } from '../../support/clock.ts'

it('knows a refund also where one before it never came', async () => {
  const texts = new Map<string, string>()
  const provider = new SandboxProvider({
    memory: {
      add: (name, text) => {
        if (!texts.has(name)) texts.set(name, text)
        return Promise.resolve(texts.get(name) ?? text)
      },
      get: (name) => Promise.resolve(texts.get(name)),
      async *all(beginning) {
        for (const each of texts) if (each[0].startsWith(beginning)) yield each
      },
    },
    clock: new FakeClock(),
    secret: 'secret',
    deliver: () => Promise.resolve(true),
  })
  const [payment, currency] = ['0-p', 'USD']
  const asked = { payment, account: 'acme', currency, customer: 'cus', token: 'tok_success', description: '' }
  const { charge = '' } = (await provider.charge({ ...asked, amount: 25_000_000n })) as { readonly charge?: string }
  const second = { refund: `${payment}.2`, amount: 8_000_000n }
  await provider.refund({ ...second, payment, charge, currency })
  const found = await provider.lookup({ payment, customer: 'cus', openedAtMs: 0 })
  expect(found).toMatchObject({ charge: { refunds: [{ ...second, outcome: { kind: 'succeeded' } }] } })
})
