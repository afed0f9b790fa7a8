/** What a recurring charge is for: the lines of a statement (rule X2). */
export const chargeClasses = [
  'sip_devices',
  'trunking',
  'e911',
  'toll_free',
  'numbers',
  'users',
  'licences',
  'minutes',
  'storage',
  'other',
] as const

export type ChargeClass = (typeof chargeClasses)[number]
