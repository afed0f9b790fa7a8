/** The UDP socket of a double. */
import { createSocket, type Socket } from 'node:dgram'
import { readFile } from 'node:fs/promises'
import { SipMessage, parameter, type Address } from './sip-message.ts'

export class Wire {
  readonly port: number
  readonly #socket: Socket

  private constructor(port: number, socket: Socket) {
    this.port = port
    this.#socket = socket
  }

  static async open(port: number, receive: (message: SipMessage, source: Address) => void): Promise<Wire> {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(port, '127.0.0.1', () => resolve())
    })
    socket.on('error', () => undefined)
    socket.on('message', (bytes, { address, port: from }) => {
      const message = SipMessage.parse(bytes.toString())
      if (!message) return
      const source = { host: address, port: from }
      if (message.status === 0) noteSource(message, source)
      receive(message, source)
    })
    return new Wire(port, socket)
  }

  get address(): Address {
    return { host: '127.0.0.1', port: this.port }
  }

  isOurs({ host, port }: Address): boolean {
    return host === '127.0.0.1' && port === this.port
  }

  send(message: SipMessage, to: Address): void {
    this.#socket.send(message.toString(), to.port, to.host)
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()))
  }
}

/** The real server reads this off the ICMP message that a closed port sends. */
export async function isListening({ host, port }: Address): Promise<boolean> {
  if (!host.startsWith('127.')) return true
  const tables = await Promise.all(
    ['/proc/net/udp', '/proc/net/udp6'].map((table) => readFile(table, 'latin1').catch(() => '')),
  )
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const bytes = host.split('.').map((byte) => Number(byte).toString(16).toUpperCase().padStart(2, '0'))
  const local = [`${bytes.reverse().join('')}:${hex}`, `00000000:${hex}`, `${'0'.repeat(32)}:${hex}`]
  return local.some((address) => tables.some((table) => table.includes(` ${address} `)))
}

/** As RFC 3581 has it, asked for or not. */
function noteSource(request: SipMessage, source: Address): void {
  const [top = '', ...others] = request.all('Via')
  const bare = top.replace(/;rport(?=;|$)/, '')
  const received =
    parameter(bare, 'received') === '' && !bare.includes(` ${source.host}`) ? `;received=${source.host}` : ''
  request.set('Via', `${bare}${received};rport=${source.port}`, ...others)
}
