/** The HTTP server on its port: refused it, the operator reads why; closed, no request under way is cut off. */
import { Fault } from '../base/fault.ts'
import type { HttpServer } from '../edges/http/server-type.ts'

interface Place {
  readonly host: string
  readonly port: number
}

const IDLE_MS = 20

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

/** Nobody new is let in; a connection is closed when its request is answered, also where its client would keep it. */
export async function close(server: HttpServer): Promise<void> {
  const idle = setInterval(() => server.server.closeIdleConnections(), IDLE_MS)
  try {
    await server.close()
  } finally {
    clearInterval(idle)
  }
}
