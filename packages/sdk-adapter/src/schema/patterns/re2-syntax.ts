import { type LruCache, lruCache } from '@credence/protocol';
import type { Work } from '../budget.ts';
import { UnusableSchema } from '../unusable-schema.ts';

/** A regular expression in the syntax of RE2. */
export interface Re2Pattern {
  readonly source: string;
  /** About how many instructions its program has. */
  readonly size: number;
  /** At most how many instructions are active at a character of the text: few for an expression such as `^[a-z]{2}-\\d+$`. */
  readonly width: number;
  /** How many ranges its character classes have, without those of Unicode properties. */
  readonly ranges: number;
  /** How many Unicode properties it has. Each has hundreds of ranges. */
  readonly properties: number;
}

/** `\s` of ECMAScript, without brackets. In RE2 `\s` is ASCII only. */
const SPACE = String.raw`\t-\r \xa0\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`;
const NOT_SPACE = String.raw`\x00-\x08\x0e-\x1f!-\x9f\xa1-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`;
/** `.` of ECMAScript. In RE2 `.` also matches a carriage return and the line separators of Unicode. */
const DOT = String.raw`[^\n\r\x{2028}\x{2029}]`;
const NO_LINEAR =
  'a pattern has a lookaround, a backreference or a modifier, which the linear-time engine does not support';
/** The largest count that RE2 accepts in a repetition. */
const MAX_REPEAT = 1_000;

/** The long names of general categories (Unicode), which RE2 knows only by their short names. */
const CATEGORIES: ReadonlyMap<string, string> = new Map(
  `Letter L Uppercase_Letter Lu Lowercase_Letter Ll Titlecase_Letter Lt Modifier_Letter Lm Other_Letter Lo Mark M Nonspacing_Mark Mn
  Spacing_Mark Mc Enclosing_Mark Me Number N Decimal_Number Nd Letter_Number Nl Other_Number No Punctuation P
  Connector_Punctuation Pc Dash_Punctuation Pd Open_Punctuation Ps Close_Punctuation Pe Initial_Punctuation Pi
  Final_Punctuation Pf Other_Punctuation Po Symbol S Math_Symbol Sm Currency_Symbol Sc Modifier_Symbol Sk Other_Symbol So
  Separator Z Space_Separator Zs Line_Separator Zl Paragraph_Separator Zp Other C Control Cc Format Cf Surrogate Cs
  Private_Use Co digit Nd punct P`
    .split(/\s+/u)
    .reduce<[string, string][]>(
      (pairs, word, index, words) => (index % 2 === 0 ? [...pairs, [word, words[index + 1] ?? '']] : pairs),
      [],
    ),
);

/**
 * Rewrites a regular expression of ECMA-262 for RE2, where both have another meaning for the same text, and estimates the size of its
 * program before it is compiled: counted repetitions are expanded. Throws {@link UnusableSchema} for an expression that RE2 cannot have.
 */
export function re2Pattern(pattern: string, work: Work = UNCOUNTED): Re2Pattern {
  if (!isEcmaScript(pattern, work)) throw new UnusableSchema('a pattern is not a regular expression');
  return new Translation(pattern).result();
}

const UNCOUNTED: Work = { spend: () => undefined };
/** How long RegExp takes to look up a Unicode property, in units of work. */
const UNITS_A_PROPERTY = 1_000;
const MAX_KNOWN_PROPERTIES = 1_000;
/** Whether RegExp knows a Unicode property, by its name. */
const knownProperties: LruCache<'yes' | 'no'> = lruCache<'yes' | 'no'>(MAX_KNOWN_PROPERTIES);

/** Only parses the expression: an engine compiles it when it is first used. */
function isEcmaScript(pattern: string, work: Work): boolean {
  const properties = new Set<string>();
  // RegExp collects all characters of each property when it parses it. `\\d` may stand in the same places.
  const stood = pattern.replace(/\\(?:[pP]\{([^{}]*)\}|.)/gsu, (escape: string, name: string | undefined) => {
    if (name === undefined) return escape;
    properties.add(name);
    return '\\d';
  });
  const hasProperties = [...properties].every((name) => {
    work.spend(UNITS_A_PROPERTY);
    const known = knownProperties.get(name) ?? (isRegExp(`\\p{${name}}`, 'u') ? 'yes' : 'no');
    knownProperties.set(name, known);
    return known === 'yes';
  });
  return (hasProperties && isRegExp(stood, 'u')) || isRegExp(pattern, '');
}

function isRegExp(pattern: string, flags: string): boolean {
  try {
    return new RegExp(pattern, flags) instanceof RegExp;
  } catch {
    return false;
  }
}

class Translation {
  readonly #pattern: string;
  #at = 0;
  #source = '';
  /** The sizes of the open groups, the outermost first. */
  readonly #groups = [0];
  /** The size of the last atom, to which a repetition applies. */
  #atom = 0;
  #ranges = 0;
  #properties = 0;
  /** The size of what comes before the end of the first repetition whose count may differ. After it many instructions are active at once. */
  #fixedSize: number | undefined;
  #hasGroups = false;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  result(): Re2Pattern {
    while (this.#at < this.#pattern.length) this.#next();
    this.#closeAtom();
    const size = (this.#groups[0] ?? 0) + 4;
    const isChain = this.#pattern.startsWith('^') && !this.#hasGroups;
    const width = isChain ? 1 + size - (this.#fixedSize ?? size) : size;
    return { source: this.#source, size, width, ranges: this.#ranges, properties: this.#properties };
  }

  #next(): void {
    const char = this.#pattern.charAt(this.#at);
    if (char === '(') this.#open();
    else if (char === ')') this.#close();
    else if (char === '[') this.#class();
    else if (char === '\\') this.#addAtom(this.#escape(false));
    else if (char === '.') this.#addAtom(this.#take(DOT));
    else if (char === '{') this.#repetition();
    else if (char === '*' || char === '+' || char === '?') {
      this.#atom += 1;
      this.#varies();
      this.#source += this.#take(char);
    } else if (char === '|') {
      this.#hasGroups = true;
      this.#addAtom(this.#take(char));
    } else this.#addAtom(this.#take(char));
  }

  /** Moves past `length` characters of the pattern, and returns `text`. */
  #take(text: string, length = 1): string {
    this.#at += length;
    return text;
  }

  #addAtom(text: string): void {
    this.#closeAtom();
    this.#source += text;
    this.#atom = 1;
  }

  #closeAtom(): void {
    this.#groups[this.#groups.length - 1] = (this.#groups.at(-1) ?? 0) + this.#atom;
    this.#atom = 0;
  }

  #varies(): void {
    this.#fixedSize ??= (this.#groups[0] ?? 0) + this.#atom;
  }

  #open(): void {
    const rest = this.#pattern.slice(this.#at);
    const start = /^\((?:\?:|\?<[^>=!]+>|(?!\?))/u.exec(rest)?.[0];
    if (start === undefined) throw new UnusableSchema(NO_LINEAR);
    this.#closeAtom();
    this.#groups.push(0);
    this.#hasGroups = true;
    // Only whether the text matches is needed, so groups need no number and no name.
    this.#source += this.#take('(?:', start.length);
  }

  #close(): void {
    this.#closeAtom();
    this.#atom = (this.#groups.pop() ?? 0) + 2;
    this.#source += this.#take(')');
  }

  #repetition(): void {
    const counts = /^\{(\d+)(,(\d*))?\}/u.exec(this.#pattern.slice(this.#at, this.#at + 40));
    if (!counts) {
      this.#addAtom(this.#take('\\{'));
      return;
    }
    const [text, min = '0', range, max = ''] = counts;
    const count = Math.max(Number(min), max === '' ? Number(min) + 1 : Number(max));
    if (count > MAX_REPEAT + 1) throw new UnusableSchema(`a pattern repeats something more than ${MAX_REPEAT} times`);
    this.#atom = Math.max(1, this.#atom) * (range === undefined ? Math.max(1, Number(min)) : 2 * count);
    if (range !== undefined) this.#varies();
    this.#source += this.#take(text, text.length);
  }

  #class(): void {
    this.#closeAtom();
    this.#atom = 1;
    let text = this.#take('[');
    if (this.#pattern.charAt(this.#at) === '^') text += this.#take('^');
    let empty = true;
    while (this.#at < this.#pattern.length && this.#pattern.charAt(this.#at) !== ']') {
      const char = this.#pattern.charAt(this.#at);
      // In RE2 `[:` begins a class of POSIX.
      if (char === '\\') text += this.#escape(true);
      else text += this.#take(char === '[' ? '\\[' : char);
      this.#ranges += 1;
      empty = false;
    }
    this.#at += 1;
    if (empty) text += text === '[' ? String.raw`^\x00-\x{10ffff}` : '';
    this.#source += text === '[^' ? String.raw`[\x00-\x{10ffff}]` : `${text}]`;
  }

  #escape(inClass: boolean): string {
    const rest = this.#pattern.slice(this.#at, this.#at + 80);
    const char = rest.charAt(1);
    if (char === 's') return this.#take(inClass ? SPACE : `[${SPACE}]`, 2);
    if (char === 'S') return this.#take(inClass ? NOT_SPACE : `[${NOT_SPACE}]`, 2);
    if (char === 'b' && inClass) return this.#take('\\x08', 2);
    if (/[1-9k]/u.test(char) && !inClass) throw new UnusableSchema(NO_LINEAR);
    const property = /^\\([pP])\{([^{}]*)\}/u.exec(rest);
    if (property) this.#properties += 1;
    if (property) return this.#take(`\\${property[1]}{${propertyName(property[2] ?? '')}}`, property[0].length);
    const unicode = /^\\u(?:([\da-fA-F]{4})|\{([\da-fA-F]+)\})/u.exec(rest);
    if (unicode) return this.#unicode(unicode[1] ?? unicode[2] ?? '', unicode[0].length);
    const control = /^\\c([a-zA-Z])/u.exec(rest)?.[1];
    if (control) return this.#take(`\\x{${(control.charCodeAt(0) % 32).toString(16)}}`, 3);
    const same = /^\\(?:x[\da-fA-F]{2}|[dDwWtnrfvbB])/u.exec(rest)?.[0];
    if (same) return this.#take(same, same.length);
    if (/^\\0(?!\d)/u.test(rest)) return this.#take('\\x00', 2);
    // Any other escaped character stands for itself. RE2 allows the backslash only before punctuation.
    const literal = String.fromCodePoint(rest.codePointAt(1) ?? 92);
    return this.#take(/[!-/:-@[-`{-~]/u.test(literal) ? `\\${literal}` : literal, 1 + literal.length);
  }

  #unicode(hex: string, length: number): string {
    const rest = this.#pattern.slice(this.#at + length, this.#at + length + 6);
    const low = /^\\u([dD][c-fC-F][\da-fA-F]{2})/u.exec(rest)?.[1];
    const isPair = low !== undefined && /^[dD][89abAB]/u.test(hex) && hex.length === 4;
    const code = isPair
      ? String.fromCharCode(Number.parseInt(hex, 16), Number.parseInt(low, 16)).codePointAt(0)
      : Number.parseInt(hex, 16);
    return this.#take(`\\x{${(code ?? 0).toString(16)}}`, isPair ? length + 6 : length);
  }
}

function propertyName(property: string): string {
  const name = property.replace(/^(?:General_Category|gc|Script|sc)=/u, '');
  if (name.includes('=')) throw new UnusableSchema('a pattern uses a Unicode property that is not supported');
  return CATEGORIES.get(name) ?? name;
}
