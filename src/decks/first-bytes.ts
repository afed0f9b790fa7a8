/** What a file begins with: all of one that is shorter. */
import { open } from 'node:fs/promises'

export async function firstBytes(path: string, count: number): Promise<Buffer> {
  const handle = await open(path)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(count), 0, count, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}
