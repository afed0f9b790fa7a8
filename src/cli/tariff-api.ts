/** What several commands ask of the daemon about tariffs. */
import * as answers from './answers.ts'
import type { Api } from './api.ts'
import type { DiffRate } from './tariff-diff.ts'

export function activate(
  api: Api,
  { name, version, at }: { readonly name: string; readonly version: number; readonly at: string | undefined },
) {
  const body = at === undefined ? {} : { at }
  return api.post(`/v1/tariffs/${name}/versions/${version}/activate`, answers.activated, { body })
}

/** The version in force now, as `tariff list` has it. */
export async function activeVersion(api: Api, name: string): Promise<number | undefined> {
  const { value } = await api.get('/v1/tariffs', answers.pageOf(answers.tariff))
  return value.items.find((row) => row.name === name)?.active
}

/** Every rate of a version, page after page. */
export async function ratesOf(api: Api, name: string, version: number): Promise<readonly DiffRate[]> {
  const { raw } = await api.list(`/v1/tariffs/${name}/versions/${version}`, answers.pageOf(answers.rate))
  return raw as readonly DiffRate[]
}
