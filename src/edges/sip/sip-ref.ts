/** What is kept with a call, so that whoever has to can find its dialogs again. */

export interface SipRef {
  /** The admin side of its drachtio-server. */
  readonly server: string
  /** The dialog of the called side; that of the caller follows from its leg. */
  readonly far: string
  /** Of the Reason of a cut. */
  readonly cutStatus: number
}

/** Undefined where it is not one of ours. */
export function sipRefOf(ref: unknown): SipRef | undefined {
  if (typeof ref !== 'object' || ref === null || !('server' in ref) || !('far' in ref)) return undefined
  const { server, far } = ref
  if (typeof server !== 'string' || typeof far !== 'string') return undefined
  const cutStatus = 'cutStatus' in ref && typeof ref.cutStatus === 'number' ? ref.cutStatus : CUT_STATUS
  return { server, far, cutStatus }
}

/** Of calls whose group said nothing. */
const CUT_STATUS = 402
