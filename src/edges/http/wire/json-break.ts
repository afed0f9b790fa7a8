/** Where a text stops being JSON; the platform tells it of some texts only. */

export interface JsonBreak {
  /** Characters before it. */
  readonly at: number
  readonly message: string
}

const SPACE = /[ \t\n\r]*/y
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])|(?:true|false|null)(?!\w)/y
const TEXT_PART = /[^"\\\u0000-\u001f]+|\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y

type Want = 'value' | 'value or "]"' | 'name' | 'name or "}"' | '":"' | 'end' | '"," or "]"' | '"," or "}"'

/** Undefined when the whole text is JSON. */
export function breakOf(text: string): JsonBreak | undefined {
  return new Finder(text).find()
}

/** Reads token by token; what may come next follows from the last one and the brackets that are open. */
class Finder {
  readonly #text: string
  readonly #open: string[] = []
  #at = 0
  #want: Want = 'value'
  #inText = false

  constructor(text: string) {
    this.#text = text
  }

  find(): JsonBreak | undefined {
    do this.#skip(SPACE)
    while (this.#take(this.#text.charAt(this.#at)))
    const character = this.#text.charAt(this.#at)
    if (character === '' && this.#want === 'end') return undefined
    const found = character === '' ? 'the end' : JSON.stringify(character)
    return {
      at: this.#at,
      message: `${found} stands where ${this.#inText ? 'the rest of a text' : this.#want} should be`,
    }
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    const length = pattern.exec(this.#text)?.[0].length ?? 0
    this.#at += length
    return length > 0
  }

  #take(character: string): boolean {
    switch (character) {
      case ':':
        return this.#want === '":"' && this.#move('value')
      case ',':
        return this.#want.startsWith('","') && this.#move(this.#open.at(-1) === '{' ? 'name' : 'value')
      case '}':
      case ']':
        return this.#want.includes(`"${character}"`) && this.#close()
      case '{':
      case '[':
        return this.#wantsValue && this.#begin(character)
      case '"':
        return this.#takeText()
      default:
        return this.#wantsValue && this.#skip(SCALAR) && this.#next(this.#afterValue())
    }
  }

  get #wantsValue(): boolean {
    return this.#want.startsWith('value')
  }

  #takeText(): boolean {
    const after = this.#want.startsWith('name') ? '":"' : this.#afterValue()
    return (after === '":"' || this.#wantsValue) && this.#readText() && this.#next(after)
  }

  #begin(bracket: string): boolean {
    this.#open.push(bracket)
    return this.#move(bracket === '{' ? 'name or "}"' : 'value or "]"')
  }

  /** Past one character. */
  #move(want: Want): boolean {
    this.#at += 1
    return this.#next(want)
  }

  #next(want: Want): boolean {
    this.#want = want
    return true
  }

  #close(): boolean {
    this.#open.pop()
    return this.#move(this.#afterValue())
  }

  #afterValue(): Want {
    const open = this.#open.at(-1)
    if (open === undefined) return 'end'
    return open === '{' ? '"," or "}"' : '"," or "]"'
  }

  /** A text that breaks leaves the place at the character that broke it. */
  #readText(): boolean {
    this.#at += 1
    while (this.#skip(TEXT_PART)) continue
    this.#inText = this.#text.charAt(this.#at) !== '"'
    if (!this.#inText) this.#at += 1
    return !this.#inText
  }
}
