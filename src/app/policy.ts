/** The settings in force as the use cases of calls want them. */
import type { Settings } from '../catalog/settings.ts'
import type { CallMode } from '../calls/call.ts'
import type { CallPolicy } from '../calls/parts.ts'

/** Made once for each settings: every decision asks several times. */
export function callPolicies(settings: () => Settings): () => CallPolicy {
  let made: { readonly of: Settings; readonly policy: CallPolicy } | undefined
  return () => {
    const inForce = settings()
    if (made?.of !== inForce) made = { of: inForce, policy: callPolicy(inForce) }
    return made.policy
  }
}

function callPolicy(settings: Settings): CallPolicy {
  const { calls, defaults, emergency } = settings
  return {
    ...calls,
    ...(defaults.tariff === undefined ? {} : { defaultTariff: defaults.tariff }),
    emergencyNumbers: emergency.numbers,
    modeOf: (node) => modeOf(settings, node),
  }
}

/** An edge that the settings know to be out of reach reserves all at once (architecture §7); others are extended by us. */
function modeOf(settings: Settings, node: string): CallMode {
  const edge = settings.edges[node]
  if (!edge) return 'clock'
  return edge.mode ?? (edge.kind === 'none' ? 'whole' : 'clock')
}
