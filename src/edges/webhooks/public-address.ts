/**
 * Where webhooks may be sent to. Whoever may name a URL must not reach what only this machine can reach, so addresses that
 * are not of the public Internet are refused: when the name was resolved, and for the connection that is then made.
 */
import type { LookupAddress, LookupAllOptions } from 'node:dns'
import type { LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'

/** As `lookup` of node:dns. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void

/** An address that was refused; its message is a sentence without its subject. */
export class AddressRefused extends Error {}

/** Whether an address is of the public Internet, whatever form it is written in. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  // An IPv4 address inside an IPv6 one is what is reached.
  return ipaddr.process(address).range() === 'unicast'
}

/** The host of a URL where it is an address and no name. */
export function literalAddress({ hostname }: URL): string | undefined {
  const bare = hostname.replace(/^\[|\]$/g, '')
  return ipaddr.isValid(bare) ? bare : undefined
}

/** Gives only addresses of the public Internet: one that is not refuses the name. */
export function publicLookup(resolve: Resolve): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error) return done(error, [])
      const refused = found.find(({ address }) => !isPublic(address))
      if (refused) return done(new AddressRefused(`resolves to ${refused.address}, which is not a public address`), [])
      const [first] = found
      if (options.all || !first) return done(null, found)
      done(null, first.address, first.family)
    })
  }
}
