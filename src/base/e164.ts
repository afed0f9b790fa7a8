/** Telephone numbers as tariffs and people see them. Raw digits are kept: short and odd numbers are billable too. */

/** Most numbers come so, and each is asked for several times in a decision. */
const E164 = /^\+\d+$/

/** "+44 (20) 7946-0958", "sip:+442079460958@host;user=phone", "00442079460958" to the digits a tariff is asked with. */
export function dialledDigits(number: string): string {
  if (E164.test(number)) return number.slice(1)
  const user = number.replace(/^(sips?|tel):/i, '').replace(/[@;].*$/, '')
  const digits = user.replace(/[\s().\-/]/g, '')
  if (digits.startsWith('+')) return digits.slice(1)
  return digits.startsWith('00') ? digits.slice(2) : digits
}

/** The last four characters stay: "+44******0958". */
export function maskNumber(number: string): string {
  const user = number.replace(/@.*$/, '')
  if (user.length <= 4) return '*'.repeat(user.length)
  const head = user.length > 8 ? user.slice(0, 3) : ''
  return `${head}${'*'.repeat(user.length - head.length - 4)}${user.slice(-4)}`
}
