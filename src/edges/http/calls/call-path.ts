/** What the three requests of the call path have in common: how much is read, and how. */

export const CALL_PATH_TYPES = ['application/json', 'application/x-www-form-urlencoded']

export const CALL_PATH_BYTES = 64 * 1024

/** An edge_list names every call of an edge. */
export const EVENTS_BYTES = 1024 * 1024

/** Bodies of the call path are read by their handlers, which are more generous than their schemas. */
export function readByHandler() {
  return (value: unknown) => ({ value })
}
