/** The edges: which can be called back, and whether they answer. */
import type { Settings } from '../../catalog/settings.ts'
import { controlOf } from '../../edges/control/control.ts'
import { type Check, doubtful, good } from './check.ts'

export async function examineEdges({ edges, calls, callControl, sip }: Settings): Promise<readonly Check[]> {
  const found = Object.entries(edges)
  const checks = await Promise.all(found.map(([node, edge]) => examineEdge(node, edge, calls.unattendedSeconds)))
  const strange = callControl.enabled && !edges[callControl.node] ? [withoutControl(callControl.node)] : []
  if (found.length > 0 || sip.enabled) return [...checks, ...strange]
  const detail = 'none is known by the settings: the daemon can end no call and ask nobody which calls are up'
  return [doubtful('edges', detail), ...strange]
}

async function examineEdge(node: string, edge: Settings['edges'][string], unattendedSeconds: number): Promise<Check> {
  const what = `edge ${node}`
  if (edge.kind === 'none') {
    const detail = `it cannot be called back: its own timer must end calls, and one gets ${unattendedSeconds} s at most`
    return edge.mode === 'edge'
      ? doubtful(what, 'it cannot be called back: it must ask for each slice')
      : doubtful(what, detail)
  }
  try {
    const calls = await controlOf(edge).list()
    return good(what, `it answers and has ${calls.length} calls`)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return doubtful(what, `it does not answer, so its calls cannot be ended now: ${why}`)
  }
}

function withoutControl(node: string): Check {
  return doubtful(
    `edge ${node}`,
    'calls come by the call_control socket, and the settings do not say how to end them: add it to edges',
  )
}
