/** IP addresses and networks as trunk rules name them. IPv4 is the IPv6 block ::ffff:0:0/96, so one form serves both. */

const IPV4_PREFIX_BITS = 96

export interface Network {
  /** The 128 bits of the first address. */
  readonly address: bigint
  /** How many leading bits an address shares with the network. */
  readonly bits: number
}

/** "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1" to 128 bits; undefined when it is no address. */
export function parseAddress(text: string): bigint | undefined {
  return text.includes(':') ? parseIpv6(text) : mapped(parseIpv4(text))
}

/** The address of a peer as edges send it: bare, "192.0.2.1:5060" or "[2001:db8::1]:5060". */
export function parsePeer(text: string): bigint | undefined {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text)?.[1]
  if (bracketed !== undefined) return parseAddress(bracketed)
  const withPort = /^([\d.]+):\d{1,5}$/.exec(text)?.[1]
  return parseAddress(withPort ?? text)
}

/** "192.0.2.0/24" or one address; a sentence says what is wrong. */
export function parseNetwork(text: string): Network | string {
  const [host = '', length, ...rest] = text.split('/')
  const address = parseAddress(host)
  if (address === undefined || rest.length > 0) return 'must be an IP address or a network such as 192.0.2.0/24'
  const first = host.includes(':') ? 0 : IPV4_PREFIX_BITS
  const widest = 128 - first
  if (length === undefined) return { address, bits: 128 }
  if (!/^\d{1,3}$/.test(length) || Number(length) > widest) return `must have a prefix length of 0 to ${widest}`
  const bits = first + Number(length)
  if (leading(address, bits) !== address) {
    return `must begin a network of /${length}: that is ${formatAddress(leading(address, bits))}/${length}`
  }
  return { address, bits }
}

export function contains(network: Network, address: bigint): boolean {
  return leading(address, network.bits) === network.address
}

function leading(address: bigint, bits: number): bigint {
  const rest = BigInt(128 - bits)
  return (address >> rest) << rest
}

function mapped(ipv4: bigint | undefined): bigint | undefined {
  return ipv4 === undefined ? undefined : 0xffff_0000_0000n | ipv4
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let address = 0n
  for (const part of parts) {
    // "010" is 8 to some readers and 10 to others, so it is refused.
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined
    address = (address << 8n) | BigInt(part)
  }
  return address
}

function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half) => groupsOf(half))
  if (!head) return undefined
  if (halves.length === 1) return head.length === 8 ? joined(head) : undefined
  if (!tail || head.length + tail.length > 7) return undefined
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0)
  return joined([...head, ...zeros, ...tail])
}

/** The 16-bit groups of one side of "::"; a dotted IPv4 address may stand for the last two. */
function groupsOf(half: string): readonly number[] | undefined {
  if (half === '') return []
  const groups: number[] = []
  const parts = half.split(':')
  for (const [at, part] of parts.entries()) {
    const dotted = at === parts.length - 1 && part.includes('.') ? parseIpv4(part) : undefined
    if (dotted !== undefined) groups.push(Number(dotted >> 16n), Number(dotted & 0xffffn))
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

function joined(groups: readonly number[]): bigint {
  return groups.reduce((address, group) => (address << 16n) | BigInt(group), 0n)
}

function formatAddress(address: bigint): string {
  if (address >> 32n === 0xffffn) {
    return [24n, 16n, 8n, 0n].map((shift) => String((address >> shift) & 0xffn)).join('.')
  }
  const groups = Array.from({ length: 8 }, (_, at) => ((address >> BigInt(112 - at * 16)) & 0xffffn).toString(16))
  return groups.join(':').replace(/(^|:)0(:0)+(:|$)/, '::')
}
