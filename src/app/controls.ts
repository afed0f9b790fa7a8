/** The way back to each edge, from the settings in force. */
import type { Settings } from '../catalog/settings.ts'
import type { EdgeControl } from '../calls/edge-control.ts'
import { controlOf } from '../edges/control/control.ts'

/** Controls are made once for each settings; a reload makes them anew. */
export class EdgeControls {
  readonly #settings: () => Settings
  #made: { readonly of: Settings['edges']; readonly controls: Map<string, EdgeControl> } | undefined

  constructor(settings: () => Settings) {
    this.#settings = settings
  }

  of(node: string): EdgeControl {
    const { edges } = this.#settings()
    if (this.#made?.of !== edges) this.#made = { of: edges, controls: new Map() }
    const known = this.#made.controls.get(node)
    if (known) return known
    const control = controlOf(edges[node] ?? { kind: 'none' })
    // Names that the settings do not know come from outside and are not kept.
    if (edges[node]) this.#made.controls.set(node, control)
    return control
  }

  /** The edges that can be asked which calls they have. */
  listed(): readonly { readonly node: string; readonly listSeconds: number }[] {
    return Object.entries(this.#settings().edges).flatMap(([node, edge]) =>
      edge.kind === 'none' ? [] : [{ node, listSeconds: edge.listSeconds }],
    )
  }
}
