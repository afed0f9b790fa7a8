/** The SIP side of a double: one port, over UDP and TCP. */
import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { readFile } from 'node:fs/promises'
import { createServer, connect, type Server, type Socket } from 'node:net'
import { parameter, SipMessage, type Address } from './sip-message.ts'
import { SipReader } from './sip-reader.ts'

type Receive = (message: SipMessage, source: Address) => void

export class Wire {
  readonly port: number
  /** Where what no phone said comes from. */
  readonly address: Address
  readonly #datagrams: Datagrams
  readonly #server: Server
  readonly #receive: Receive
  /** By the other end, whoever opened it. */
  readonly #connections = new Map<string, Socket>()

  private constructor(port: number, receive: Receive) {
    this.port = port
    this.address = { host: '127.0.0.1', port }
    this.#receive = receive
    this.#datagrams = createSocket('udp4')
    this.#server = createServer((socket) => this.#join(socket))
  }

  static async open(port: number, receive: Receive): Promise<Wire> {
    const wire = new Wire(port, receive)
    await Promise.all([wire.#openDatagrams(), wire.#openServer()])
    return wire
  }

  isOurs({ host, port }: Address): boolean {
    return host === '127.0.0.1' && port === this.port
  }

  /** How others reach us over the way that leads to an address. */
  uri({ transport }: Pick<Address, 'transport'>): string {
    return `sip:127.0.0.1:${this.port}${transport === undefined ? '' : `;transport=${transport}`}`
  }

  send(message: SipMessage, to: Address): void {
    if (to.transport === undefined) this.#datagrams.send(message.toString(), to.port, to.host)
    else this.#connection(to).write(message.toString())
  }

  /** The real server reads this off what a closed port sends: ICMP, or a reset. */
  async isListening(to: Address): Promise<boolean> {
    return this.#connections.has(nameOf(to)) || (await isListening(to))
  }

  async close(): Promise<void> {
    const closed = [
      new Promise<void>((resolve) => this.#datagrams.close(() => resolve())),
      new Promise<void>((resolve) => this.#server.close(() => resolve())),
    ]
    for (const socket of this.#connections.values()) socket.destroy()
    await Promise.all(closed)
  }

  async #openDatagrams(): Promise<void> {
    const socket = this.#datagrams
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(this.port, '127.0.0.1', () => resolve())
    })
    socket.on('error', () => undefined)
    socket.on('message', (bytes, { address: host, port }) => {
      const message = SipMessage.parse(bytes.toString())
      if (message) this.#got(message, { host, port })
    })
  }

  async #openServer(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.port, '127.0.0.1', () => resolve())
    })
  }

  #connection(to: Address): Socket {
    const open = this.#connections.get(nameOf(to))
    if (open) return open
    const socket = connect(to.port, to.host)
    this.#keep(socket, to)
    return socket
  }

  #join(socket: Socket): void {
    const { remoteAddress, remotePort } = socket
    if (remoteAddress === undefined || remotePort === undefined) return
    this.#keep(socket, { host: remoteAddress, port: remotePort, transport: 'tcp' })
  }

  #keep(socket: Socket, other: Address): void {
    const name = nameOf(other)
    const reader = new SipReader()
    this.#connections.set(name, socket)
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.on('close', () => this.#connections.delete(name))
    socket.on('data', (chunk: Buffer) => {
      for (const message of reader.read(chunk)) this.#got(message, other)
    })
  }

  #got(message: SipMessage, source: Address): void {
    if (message.status === 0) noteSource(message, source)
    this.#receive(message, source)
  }
}

function nameOf({ host, port }: Address): string {
  return `${host}:${port}`
}

/** The kernel hands its table out page by page: one that others change meanwhile may miss a socket (5 % with churn). */
const LOOKS = 5

/** Whether anybody would hear what is sent there, as far as this machine knows. */
export async function isListening(address: Address): Promise<boolean> {
  if (!address.host.startsWith('127.')) return true
  for (let look = 0; look < LOOKS; look += 1) if (await isInTable(address)) return true
  return false
}

async function isInTable({ host, port, transport }: Address): Promise<boolean> {
  const tables = await Promise.all(
    (transport === 'tcp' ? ['tcp', 'tcp6'] : ['udp', 'udp6']).map((table) =>
      readFile(`/proc/net/${table}`, 'latin1').catch(() => ''),
    ),
  )
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const bytes = host.split('.').map((byte) => Number(byte).toString(16).toUpperCase().padStart(2, '0'))
  const local = [`${bytes.reverse().join('')}:${hex}`, `00000000:${hex}`, `${'0'.repeat(32)}:${hex}`]
  return local.some((address) => tables.some((table) => table.includes(`: ${address} `)))
}

/** As RFC 3581 has it, asked for or not. */
function noteSource(request: SipMessage, source: Address): void {
  const [top = '', ...others] = request.all('Via')
  const bare = top.replace(/;rport(?=;|$)/, '')
  const received =
    parameter(bare, 'received') === '' && !bare.includes(` ${source.host}`) ? `;received=${source.host}` : ''
  request.set('Via', `${bare}${received};rport=${source.port}`, ...others)
}
