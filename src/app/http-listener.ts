/** The HTTP server on its port: refused it, the operator reads why; closed, no request under way is cut off. */
import { Server } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Fault } from '../base/fault.ts'
import type { HttpServer } from '../edges/http/server-type.ts'

interface Place {
  readonly host: string
  readonly port: number
}

const IDLE_MS = 20
/** A busy client sends its next request within this. */
const LINGER_MS = 500

/** Where it listens, as a URL. */
export async function listen(server: HttpServer, place: Place): Promise<string> {
  try {
    return await server.listen({ ...place })
  } catch (error) {
    throw new Fault('config_invalid', reasonOf(error, place), { cause: error })
  }
}

function reasonOf(error: unknown, { host, port }: Place): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} of ${host} is in use: end what listens there, or set TOLLGATE_HTTP_PORT to another`
    case 'EACCES':
      return `port ${port} of ${host} needs more rights than the daemon has: set TOLLGATE_HTTP_PORT to another`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `http.host ${host} is not an address of this machine`
    default:
      return `port ${port} of ${host} cannot be listened on: ${error instanceof Error ? error.message : String(error)}`
  }
}

/**
 * Nobody new is let in; a connection is closed when its request is answered, also where its client would keep it. One that
 * is idle may have a request on its way to us, which closing it would lose: a busy client hears with its next answer that
 * the connection ends, and only those that sent nothing for a while are closed on.
 */
export async function close(server: HttpServer): Promise<void> {
  stopListening(server)
  for (let waited = 0; waited < LINGER_MS && (await connections(server)) > 0; waited += IDLE_MS) await pause(IDLE_MS)
  const idle = setInterval(() => server.server.closeIdleConnections(), IDLE_MS)
  try {
    await server.close()
  } finally {
    clearInterval(idle)
  }
}

/** Connections live on: closing an HTTP server as such closes the idle ones with it. */
function stopListening({ server }: HttpServer): void {
  Server.prototype.close.call(server)
}

function connections({ server }: HttpServer): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))
}
