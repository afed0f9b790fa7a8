/** The way back to each edge, from the settings in force. */
import type { Clock } from '../base/time.ts'
import type { Settings } from '../catalog/settings.ts'
import type { EdgeControl } from '../calls/edge-control.ts'
import { controlOf, type ControlSettings } from '../edges/control/control.ts'

/** Controls are made once for each settings; a reload makes them anew. */
export class EdgeControls {
  readonly #settings: () => Settings
  readonly #clock: Clock
  readonly #provided = new Map<string, EdgeControl>()
  #made: { readonly of: Settings['edges']; readonly controls: Map<string, EdgeControl> } | undefined

  constructor(settings: () => Settings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
  }

  /** Of an edge that is part of this process. */
  provide(node: string, control: EdgeControl): void {
    this.#provided.set(node, control)
  }

  of(node: string): EdgeControl {
    const provided = this.#provided.get(node)
    if (provided) return provided
    const { edges } = this.#settings()
    if (this.#made?.of !== edges) this.#made = { of: edges, controls: new Map() }
    const known = this.#made.controls.get(node)
    if (known) return known
    const control = controlOf(this.#controlSettings(node), this.#clock)
    // Names that the settings do not know come from outside and are not kept.
    if (edges[node]) this.#made.controls.set(node, control)
    return control
  }

  #controlSettings(node: string): ControlSettings {
    const { edges, callControl } = this.#settings()
    const edge = edges[node] ?? { kind: 'none' }
    // Calls that come by the call_control socket have no leg ids, so their edge's list must name none.
    const withoutLegs = callControl.enabled && callControl.node === node
    return edge.kind === 'kamailio' ? { ...edge, withoutLegs } : edge
  }

  /** The edges that can be asked which calls they have. */
  listed(): readonly { readonly node: string; readonly listSeconds: number }[] {
    return Object.entries(this.#settings().edges).flatMap(([node, edge]) =>
      edge.kind === 'none' ? [] : [{ node, listSeconds: edge.listSeconds }],
    )
  }
}
