/** How the daemon reaches back to the edge that brought a call. */

export interface EdgeCall {
  readonly call: string
  readonly node: string
  readonly callId: string
  readonly legId: string
  readonly ref?: unknown
}

export interface ListedCall {
  readonly callId: string
  readonly legId: string
}

export interface EdgeControl {
  readonly canEnd: boolean
  readonly canRaise: boolean
  readonly canList: boolean
  /** Asks the edge to end the call; that it answered is no proof that the call is over. */
  end(call: EdgeCall, reason: string): Promise<void>
  /** Sets the edge's own timer: how long the call may last in all, from answer. */
  raise(call: EdgeCall, totalSeconds: number): Promise<void>
  /** Tells the parties that the call ends so soon unless money comes in. Absent where the edge has no way to. */
  warn?(call: EdgeCall, secondsLeft: number): Promise<void>
  list(): Promise<readonly ListedCall[]>
}
