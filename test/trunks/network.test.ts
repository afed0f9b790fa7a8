import { describe, expect, it } from 'vitest'
import { contains, parseAddress, parseNetwork, parsePeer } from '../../src/trunks/network.ts'

function holds(network: string, peer: string): boolean {
  const parsed = parseNetwork(network)
  const address = parsePeer(peer)
  if (typeof parsed === 'string' || address === undefined) throw new TypeError(`${network} or ${peer}`)
  return contains(parsed, address)
}

describe('a network', () => {
  it.each([
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.0/24', '192.0.3.0', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '192.0.2.1', true],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['192.0.2.0/24', '::ffff:192.0.2.9', true],
    ['::ffff:192.0.2.0/120', '192.0.2.9', true],
    ['192.0.2.0/24', '192.0.2.9:5060', true],
    ['2001:db8::/32', '[2001:db8::9]:5061', true],
    ['2001:db8::/32', '[2001:db8::9]', true],
    ['10.0.0.0/31', '10.0.0.1', true],
    ['10.0.0.0/31', '10.0.0.2', false],
  ])('%s holds %s: %s', (network, peer, expected) => {
    expect(holds(network, peer)).toBe(expected)
  })

  it.each([
    ['192.0.2.0/33', 'must have a prefix length of 0 to 32'],
    ['192.0.2.0/', 'must have a prefix length of 0 to 32'],
    ['2001:db8::/129', 'must have a prefix length of 0 to 128'],
    ['192.0.2.5/24', 'must begin a network of /24: that is 192.0.2.0/24'],
    ['2001:db8::5/32', 'must begin a network of /32: that is 2001:db8::/32'],
    ['192.0.2', 'must be an IP address or a network such as 192.0.2.0/24'],
    ['example.com', 'must be an IP address or a network such as 192.0.2.0/24'],
    ['192.0.2.0/24/8', 'must be an IP address or a network such as 192.0.2.0/24'],
  ])('%s is refused', (text, message) => {
    expect(parseNetwork(text)).toBe(message)
  })
})

describe('an address', () => {
  it.each([
    '',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.04',
    '1.2.3.4.5',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '12345::',
    'g::',
    '1:2:3:4:5:6:7:8:9',
    '::1.2.3',
  ])('"%s" is none', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })

  it.each([
    ['::', 0n],
    ['::1', 1n],
    ['1::', 1n << 112n],
    ['1:2:3:4:5:6:7:8', 0x0001_0002_0003_0004_0005_0006_0007_0008n],
    ['192.0.2.1', 0xffff_c000_0201n],
    ['64:ff9b::192.0.2.33', 0x0064_ff9b_0000_0000_0000_0000_c000_0221n],
  ])('%s is its 128 bits', (text, bits) => {
    expect(parseAddress(text)).toBe(bits)
  })
})
