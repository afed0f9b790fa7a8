/** How far long work is: one line on a terminal that is drawn again and again, and wiped when it is done. */

export interface ProgressScreen {
  readonly err: (text: string) => void
  /** Standard error is a terminal. */
  readonly terminal?: boolean
}

const WIDTH = 30
const WIPE = '\r\u001b[K'

export class Progress {
  readonly #screen: ProgressScreen
  readonly #what: string
  #drawn = -1

  constructor(screen: ProgressScreen, what: string) {
    this.#screen = screen
    this.#what = what
  }

  /** In thousandths of the whole. */
  at(done: number): void {
    const share = Math.min(1000, Math.floor(done))
    if (this.#screen.terminal !== true || Math.abs(share - this.#drawn) < 5) return
    this.#drawn = share
    const full = Math.round((share * WIDTH) / 1000)
    this.#screen.err(
      `${WIPE}${this.#what} [${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${Math.floor(share / 10)} %`,
    )
  }

  end(): void {
    if (this.#drawn >= 0) this.#screen.err(WIPE)
    this.#drawn = -1
  }
}
