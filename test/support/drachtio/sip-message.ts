/** SIP text in and out: enough of RFC 3261 for calls over UDP on loopback. */

export interface Address {
  readonly host: string
  readonly port: number
  /** UDP where it is absent. */
  readonly transport?: 'tcp'
}

const COMPACT: Readonly<Record<string, string>> = {
  i: 'call-id',
  m: 'contact',
  l: 'content-length',
  c: 'content-type',
  f: 'from',
  s: 'subject',
  k: 'supported',
  t: 'to',
  v: 'via',
  x: 'session-expires',
}
const OWN_SPELLING: Readonly<Record<string, string>> = {
  'call-id': 'Call-ID',
  cseq: 'CSeq',
  'min-se': 'Min-SE',
  rack: 'RAck',
  rseq: 'RSeq',
  'www-authenticate': 'WWW-Authenticate',
}
/** Held one to an entry, however they came. */
const LISTS = new Set(['Via', 'Route', 'Record-Route'])

export class SipMessage {
  readonly method: string
  /** Of a request. */
  readonly uri: string
  /** Of a response; 0 in a request. */
  readonly status: number
  readonly reason: string
  body = ''
  #headers: (readonly [name: string, value: string])[] = []

  private constructor(start: string) {
    const response = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(start)
    const request = /^(\S+) (\S+) SIP\/2\.0$/.exec(start)
    this.status = Number(response?.[1] ?? 0)
    this.reason = response?.[2] ?? ''
    this.method = request?.[1] ?? ''
    this.uri = request?.[2] ?? ''
  }

  /** Nothing when it is not SIP, such as a keep-alive. */
  static parse(text: string): SipMessage | undefined {
    const end = text.indexOf('\r\n\r\n')
    const [start = '', ...lines] = (end < 0 ? text : text.slice(0, end)).split(/\r\n(?![ \t])/)
    const message = new SipMessage(start.trim())
    if (message.method === '' && message.status === 0) return undefined
    for (const line of lines) {
      const [, name, value] = /^([^:\s]+)\s*:\s*([^]*?)\s*$/.exec(line) ?? []
      if (name !== undefined && value !== undefined) message.add(name, value.replace(/\r\n[ \t]+/g, ' '))
    }
    const body = end < 0 ? '' : text.slice(end + 4)
    const bytes = message.get('Content-Length')
    message.body = bytes === '' ? body : Buffer.from(body).subarray(0, Number(bytes)).toString()
    return message
  }

  static request(method: string, uri: string): SipMessage {
    return new SipMessage(`${method} ${uri} SIP/2.0`)
  }

  static response(status: number, reason: string): SipMessage {
    return new SipMessage(`SIP/2.0 ${status} ${reason}`)
  }

  /** With another Request-URI. */
  copy(uri = this.uri): SipMessage {
    const copy = this.status > 0 ? SipMessage.response(this.status, this.reason) : SipMessage.request(this.method, uri)
    copy.#headers = [...this.#headers]
    copy.body = this.body
    return copy
  }

  get headers(): readonly (readonly [name: string, value: string])[] {
    return this.#headers
  }

  get(name: string): string {
    return this.all(name)[0] ?? ''
  }

  all(name: string): string[] {
    return this.#headers.filter(([held]) => held === name).map(([, value]) => value)
  }

  add(name: string, value: string): void {
    const held = spelling(name)
    const values = LISTS.has(held) ? value.split(/,(?![^<]*>)/).map((one) => one.trim()) : [value]
    for (const one of values) this.#headers.push([held, one])
  }

  set(name: string, ...values: readonly string[]): void {
    const held = spelling(name)
    const at = this.#headers.findIndex(([other]) => other === held)
    const others = this.#headers.filter(([other]) => other !== held)
    // Routing headers come first (RFC 3261, 7.3.1).
    const place = held === 'Via' ? 0 : others.length
    others.splice(at < 0 ? place : at, 0, ...values.map((value) => [held, value] as const))
    this.#headers = others
  }

  get cseq(): number {
    return Number.parseInt(this.get('CSeq'), 10)
  }

  /** Also of a response: that of its request. */
  get cseqMethod(): string {
    return this.get('CSeq').split(/\s+/)[1] ?? ''
  }

  get fromTag(): string {
    return parameter(this.get('From'), 'tag')
  }

  get toTag(): string {
    return parameter(this.get('To'), 'tag')
  }

  get branch(): string {
    return parameter(this.get('Via'), 'branch')
  }

  toString(): string {
    const start = this.status > 0 ? `SIP/2.0 ${this.status} ${this.reason}` : `${this.method} ${this.uri} SIP/2.0`
    const lines = this.#headers
      .filter(([name]) => name !== 'Content-Length')
      .map(([name, value]) => `${name}: ${value}`)
    return [start, ...lines, `Content-Length: ${Buffer.byteLength(this.body)}`, '', this.body].join('\r\n')
  }
}

/** A response with what it must copy of its request (RFC 3261, 8.2.6.2). */
export function responseTo(request: SipMessage, status: number, reason: string): SipMessage {
  const response = SipMessage.response(status, reason)
  const routes = status > 100 && status < 300 ? ['Record-Route'] : []
  for (const name of ['Via', ...routes, 'From', 'To', 'Call-ID', 'CSeq'])
    for (const value of request.all(name)) response.add(name, value)
  return response
}

/** Of a header's value, outside the angle brackets. */
export function parameter(value: string, name: string): string {
  const outside = value.replace(/^.*>/, '').replace(/^[^;]*/, '')
  return new RegExp(`;\\s*${name}\\s*=\\s*("[^"]*"|[^;,\\s]+)`, 'i').exec(outside)?.[1] ?? ''
}

export function withTag(value: string, tag: string): string {
  return parameter(value, 'tag') === '' ? `${value};tag=${tag}` : value
}

/** What is between the angle brackets, or all before the parameters. */
export function uriOf(value: string): string {
  return /<([^>]*)>/.exec(value)?.[1] ?? value.replace(/;.*$/, '').trim()
}

/** Where a URI leads; names other than localhost are not looked up. */
export function addressOf(uri: string): Address | undefined {
  const [, name = '', port = '5060'] = /^sips?:(?:[^@]*@)?([^:;?>]+)(?::(\d+))?/i.exec(uri) ?? []
  const host = name === 'localhost' ? '127.0.0.1' : name
  return /^[\d.]+$/.test(host) ? { host, port: Number(port), ...overTcp(/;transport=tcp/i.test(uri)) } : undefined
}

/** Where a response goes by its topmost Via. */
export function viaAddress(via: string): Address {
  const [, host = '', port = '5060'] = /^SIP\/2\.0\/\S+\s+([^:;\s]+)(?::(\d+))?/i.exec(via) ?? []
  const there = { host: parameter(via, 'received') || host, port: Number(parameter(via, 'rport') || port) }
  return { ...there, ...overTcp(/^SIP\/2\.0\/TCP/i.test(via)) }
}

function overTcp(isTcp: boolean): Pick<Address, 'transport'> {
  return isTcp ? { transport: 'tcp' } : {}
}

function spelling(name: string): string {
  const lower = name.toLowerCase()
  const long = COMPACT[lower] ?? lower
  const own = OWN_SPELLING[long]
  if (own !== undefined) return own
  return lower.startsWith('x-') ? name : long.replace(/(^|-)([a-z])/g, (match) => match.toUpperCase())
}
