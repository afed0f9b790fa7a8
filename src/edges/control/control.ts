/** Builds the way back to an edge from its settings. */
import type { Clock } from '../../base/time.ts'
import type { EdgeControl } from '../../calls/edge-control.ts'
import { KamailioControl, type KamailioSettings } from './kamailio.ts'
import { WebhookControl, type WebhookSettings } from './webhook.ts'

export type ControlSettings =
  | ({ readonly kind: 'kamailio' } & KamailioSettings)
  | ({ readonly kind: 'webhook' } & WebhookSettings)
  | { readonly kind: 'none' }

export function controlOf(settings: ControlSettings, clock?: Clock): EdgeControl {
  switch (settings.kind) {
    case 'kamailio':
      return new KamailioControl(settings)
    case 'webhook':
      return new WebhookControl(settings, clock)
    case 'none':
      return noControl
  }
}

/** An edge that cannot be called back: it is asked nothing, and nothing is claimed for it. */
const noControl: EdgeControl = {
  canEnd: false,
  canRaise: false,
  canList: false,
  end: () => Promise.resolve(),
  raise: () => Promise.resolve(),
  list: () => Promise.resolve([]),
}
