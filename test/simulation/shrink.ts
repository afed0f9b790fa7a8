/** Finds a shorter history that still fails: whole stretches are left out as long as the failure stays. */
import type { Step } from './worlds.ts'

/** `fails` plays a history; the search ends at the deadline with the shortest that was found. */
export async function shortest(
  history: readonly Step[],
  fails: (steps: readonly Step[]) => Promise<boolean>,
  deadlineMs: number,
): Promise<readonly Step[]> {
  let best = history
  for (let size = Math.ceil(best.length / 2); size >= 1;) {
    let isShorter = false
    for (let at = 0; at < best.length && performance.now() < deadlineMs; at += size) {
      const less = [...best.slice(0, at), ...best.slice(at + size)]
      if (!(await fails(less))) continue
      best = less
      isShorter = true
      at -= size
    }
    if (performance.now() >= deadlineMs) return best
    if (!isShorter || size > best.length) size = size === 1 ? 0 : Math.ceil(size / 2)
  }
  return best
}
