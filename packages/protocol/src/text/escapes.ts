/**
 * A text as bytes in which every usual escape is decoded, and for each byte the part of the text that it comes from. Two texts that
 * differ only in escapes, letter case, white space and invisible characters have the same bytes.
 */
export interface Unescaped {
  /** The bytes as a string, one character each. */
  readonly bytes: string;
  /** For each byte, where its part of the text begins, in UTF-16 code units. */
  readonly from: Uint32Array;
  /** For each byte, the end of its part of the text, in UTF-16 code units. */
  readonly to: Uint32Array;
}

/** White space, control characters, and characters that no reader sees. */
const INVISIBLE = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u;
const LOWER_A = 0x61;
const BACKSLASH = 0x5c;
const PERCENT = 0x25;
const SEMICOLON = 0x3b;
const AMPERSAND = 0x26;
const LETTER_U = 0x75;
const LETTER_X = 0x78;
/** The longest escape that a semicolon ends: `&#x10ffff;`. */
const LONGEST_ENTITY = 10;

/** The named character references of HTML for the characters that are not letters or digits. */
const ENTITIES: Readonly<Record<string, number>> = {
  amp: 0x26,
  apos: 0x27,
  ast: 0x2a,
  bsol: 0x5c,
  colon: 0x3a,
  comma: 0x2c,
  commat: 0x40,
  dollar: 0x24,
  equals: 0x3d,
  excl: 0x21,
  gt: 0x3e,
  lowbar: 0x5f,
  lpar: 0x28,
  lt: 0x3c,
  nbsp: 0x20,
  newline: 0x20,
  num: 0x23,
  percnt: 0x25,
  period: 0x2e,
  plus: 0x2b,
  quest: 0x3f,
  quot: 0x22,
  rpar: 0x29,
  semi: 0x3b,
  sol: 0x2f,
  tab: 0x20,
};

/**
 * Decodes percent-encoding (`%2F`, `%u002f`), the escapes of JSON and JavaScript (`\/`, `\n`, `\u002f`, `\x2f`) and the character
 * references of HTML (`&#47;`, `&#x2f;`, `&sol;`), also if they are nested. Converts letters to lower case and leaves out white space,
 * invisible characters, and `+`, which stands for a space in a form. The time is linear in the length of the text: a decoded
 * character can complete an escape before it, and each step makes the result shorter.
 *
 * A backslash and a letter such as `n` can be an escape of white space, or two characters of a secret. With `spaceEscapes: false`
 * the letter stays.
 */
export function unescaped(text: string, { spaceEscapes = true } = {}): Unescaped {
  const output = new Output(text.length, spaceEscapes);
  let at = 0;
  for (const character of text) {
    const end = at + character.length;
    output.add(character.codePointAt(0) ?? 0, at, end);
    at = end;
  }
  return output.result();
}

/** A character or a byte of UTF-8 that an escape stands for, and where the escape begins. */
interface Decoded {
  readonly value: number;
  readonly isByte: boolean;
  readonly from: number;
}

/** The decoded bytes so far. */
class Output {
  readonly #bytes: Uint8Array;
  readonly #from: Uint32Array;
  readonly #to: Uint32Array;
  readonly #spaceEscapes: boolean;
  #length = 0;

  /** A code unit becomes at most three bytes of UTF-8. */
  constructor(codeUnits: number, spaceEscapes: boolean) {
    this.#spaceEscapes = spaceEscapes;
    this.#bytes = new Uint8Array(codeUnits * 3);
    this.#from = new Uint32Array(codeUnits * 3);
    this.#to = new Uint32Array(codeUnits * 3);
  }

  /** The bytes without the backslashes: one that begins no other escape only marks the character after it, as in `\/`. */
  result(): Unescaped {
    let length = 0;
    for (let at = 0; at < this.#length; at += 1) {
      const byte = this.#bytes[at] ?? 0;
      if (byte === BACKSLASH) continue;
      this.#bytes[length] = byte;
      this.#from[length] = this.#from[at] ?? 0;
      this.#to[length] = this.#to[at] ?? 0;
      length += 1;
    }
    return {
      bytes: Buffer.from(this.#bytes.buffer, 0, length).toString('latin1'),
      from: this.#from.subarray(0, length),
      to: this.#to.subarray(0, length),
    };
  }

  /** Adds a character. If it completes an escape, the escape is replaced by its character, which may complete another escape. */
  add(codePoint: number, from: number, to: number): void {
    // A loop, not recursion: in a text of a peer, escapes can be nested thousands of times.
    let next: Decoded | undefined = { value: codePoint, isByte: false, from };
    while (next) next = next.value > 0x7f ? this.#addOther(next, to) : this.#addAscii(next.value, next.from, to);
  }

  #addOther({ value, isByte, from }: Decoded, to: number): undefined {
    if (!isByte) {
      const character = String.fromCodePoint(value);
      if (!INVISIBLE.test(character)) for (const byte of Buffer.from(character)) this.#push(byte, from, to);
      return;
    }
    this.#push(value, from, to);
    const length = this.#lengthOfLastCharacter();
    const bytes = this.#bytes.subarray(this.#length - length, this.#length);
    if (length > 1 && INVISIBLE.test(Buffer.from(bytes).toString())) this.#length -= length;
  }

  /** The number of bytes of the UTF-8 sequence at the end, or 0 if it is not complete. */
  #lengthOfLastCharacter(): number {
    for (let length = 1; length <= 4; length += 1) {
      const byte = this.#previous(length);
      if (byte < 0x80) return 0;
      if (byte < 0xc0) continue;
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needed === length ? length : 0;
    }
    return 0;
  }

  /** Adds an ASCII character. Returns what the escape that it completes stands for, if it completes one. */
  #addAscii(value: number, from: number, to: number): Decoded | undefined {
    if (value <= 0x20 || value === 0x7f || value === 0x2b) return undefined;
    const lower = value >= 0x41 && value <= 0x5a ? value + 0x20 : value;
    if (this.#previous(1) === BACKSLASH) {
      // Several backslashes are the escape of an escape.
      if (lower === BACKSLASH) return undefined;
      if (this.#spaceEscapes && isSpaceLetter(lower)) {
        this.#length -= 1;
        return undefined;
      }
    }
    this.#push(lower, from, to);
    if (lower === SEMICOLON) return this.#takeEntity();
    return hexValue(lower) === undefined ? undefined : this.#takeHex();
  }

  #takeHex(): Decoded | undefined {
    if (this.#previous(3) === PERCENT) return this.#takeDigits(2, 1);
    if (this.#previous(3) === LETTER_X && this.#previous(4) === BACKSLASH) return this.#takeDigits(2, 2);
    if (this.#previous(5) !== LETTER_U) return undefined;
    const mark = this.#previous(6);
    return mark === BACKSLASH || mark === PERCENT ? this.#takeDigits(4, 2) : undefined;
  }

  /** Takes a mark of `markLength` bytes and `digits` hexadecimal digits from the end. */
  #takeDigits(digits: number, markLength: number): Decoded | undefined {
    const value = this.#digits(digits, 0);
    const length = digits + markLength;
    // Two digits are a byte of UTF-8, four digits are a UTF-16 code unit.
    if (value === undefined || digits === 2) return value === undefined ? undefined : this.#take(length, value, true);
    // The first half of a surrogate pair stays as it is until the second half is complete.
    if (value >= 0xd800 && value <= 0xdbff) return undefined;
    if (value < 0xdc00 || value > 0xdfff) return this.#take(length, value);
    const high = this.#previous(length + 5) === LETTER_U ? this.#digits(4, length) : undefined;
    if (high === undefined || high < 0xd800 || high > 0xdbff) return undefined;
    return this.#take(length * 2, (high - 0xd800) * 0x400 + (value - 0xdc00) + 0x10000);
  }

  /** The number that `count` hexadecimal digits write, which end `distance` bytes before the end. */
  #digits(count: number, distance: number): number | undefined {
    let value = 0;
    for (let index = count; index > 0; index -= 1) {
      const digit = hexValue(this.#previous(distance + index));
      if (digit === undefined) return undefined;
      value = value * 16 + digit;
    }
    return value;
  }

  #takeEntity(): Decoded | undefined {
    for (let length = 3; length <= LONGEST_ENTITY; length += 1) {
      if (this.#previous(length) !== AMPERSAND) continue;
      const start = this.#length - length;
      const value = entityValue(Buffer.from(this.#bytes.subarray(start + 1, this.#length - 1)).toString('latin1'));
      return value === undefined ? undefined : this.#take(length, value);
    }
    return undefined;
  }

  /** Removes `length` bytes from the end, which stand for `value`. */
  #take(length: number, value: number, isByte = false): Decoded {
    this.#length -= length;
    return { value, isByte, from: this.#from[this.#length] ?? 0 };
  }

  #push(byte: number, from: number, to: number): undefined {
    this.#bytes[this.#length] = byte;
    this.#from[this.#length] = from;
    this.#to[this.#length] = to;
    this.#length += 1;
  }

  /** The byte at `distance` from the end; 1 is the last one. */
  #previous(distance: number): number {
    return this.#bytes[this.#length - distance] ?? 0;
  }
}

function entityValue(name: string): number | undefined {
  const digits = /^#(?:x(?<hex>[\da-f]{1,6})|(?<decimal>\d{1,7}))$/u.exec(name)?.groups;
  if (!digits) return Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined;
  const value = digits['hex'] === undefined ? Number(digits['decimal']) : Number.parseInt(digits['hex'], 16);
  return value <= 0x10ffff ? value : undefined;
}

function hexValue(byte: number): number | undefined {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  return byte >= LOWER_A && byte <= 0x66 ? byte - LOWER_A + 10 : undefined;
}

/** Whether the letter after a backslash stands for white space: `\b`, `\f`, `\n`, `\r`, `\t` and `\v`. */
function isSpaceLetter(byte: number): boolean {
  return [0x62, 0x66, 0x6e, 0x72, 0x74, 0x76].includes(byte);
}
