import { expect, it } from 'vitest'
import { codeOf, usd } from '../support/a-call.ts'
import { digest, useWorld } from '../support/desk.ts'
import { RedisCallLedger } from '../../src/store/redis-call-ledger.ts'
const world = useWorld({ name: 'c', on: 'cluster', daemons: 1 })
it('x', async () => {
  await world.account('acme', { credit: usd('10') }); await world.account('far', { credit: usd('10') })
  const { store, keys } = world.test
  let gate: () => void = () => undefined
  let reached: () => void = () => undefined
  const at = new Promise<void>((r) => { reached = r }); const open = new Promise<void>((r) => { gate = r })
  const slow = new Proxy(store, { get: (t, n) => {
    if (n === 'run') return async (name: string, k: never, a: never) => { if (name === 'reserve') { reached(); await open } ; return t.run(name, k, a) }
    const v: unknown = Reflect.get(t, n); return typeof v === 'function' ? (v as any).bind(t) : v } })
  const desk = world.daemon({ ledger: new RedisCallLedger({ store: slow, keys, digest, legTtlMs: 1e9 }) })
  const one = world.call('c1').authorize({}, desk)
  await at
  const two = await world.call('c1', { account: 'far' }).authorize({}, world.daemon())
  gate()
  console.log(codeOf(await one), codeOf(two), (await world.standing('acme')).calls, (await world.standing('far')).calls)
  expect(1).toBe(1)
})
