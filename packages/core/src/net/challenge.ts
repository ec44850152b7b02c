import { parseScopes } from '@credence/protocol';

/**
 * One challenge of a `WWW-Authenticate` header, with the parameters that a client uses (RFC 6750 section 3, RFC 9728
 * section 5.1).
 */
export interface Challenge {
  /** `bearer` or `dpop`. */
  readonly scheme: string;
  readonly error?: string | undefined;
  readonly errorDescription?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly resourceMetadata?: string | undefined;
}

/** The challenges of a response. */
export interface Challenges {
  readonly challenges: readonly Challenge[];
  /** Whether a part of the header breaks the grammar (RFC 9110 section 11.6.1). The other parts are in `challenges`. */
  readonly malformed: boolean;
}

/** A longer header is cut. Node.js accepts 16 KiB for all headers of a response. */
const MAX_CHARACTERS = 8_192;
/** A header with more malformed parts is not read to its end. */
const MAX_MALFORMED = 20;
const NAMES: ReadonlySet<string> = new Set(['error', 'error_description', 'scope', 'resource_metadata', 'realm']);

/** The Bearer and DPoP challenges of a response, without the parts that cannot be read. */
export function parseChallenges(headers: Headers): readonly Challenge[] {
  return readChallenges(headers).challenges;
}

/**
 * Reads the Bearer and DPoP challenges of a response. Many servers write the header by hand, so a malformed parameter is left out
 * and the other parameters are kept. Several headers are one value, joined by commas. The parser of oauth4webapi is not
 * exported, and it ignores a header with one malformed part.
 */
export function readChallenges(headers: Headers): Challenges {
  const value = headers.get('www-authenticate');
  if (value === null) return { challenges: [], malformed: false };
  const reader = new ChallengeReader(value.slice(0, MAX_CHARACTERS));
  reader.read();
  if (value.length > MAX_CHARACTERS) reader.dropCutParameter();
  const challenges = reader.found.map(({ scheme, parameters }) => {
    const scope = parameters.get('scope');
    return {
      scheme,
      error: parameters.get('error'),
      errorDescription: parameters.get('error_description'),
      scopes: scope === undefined ? undefined : parseScopes(scope),
      resourceMetadata: parameters.get('resource_metadata'),
    };
  });
  return {
    challenges: challenges.filter(({ scheme }) => scheme === 'bearer' || scheme === 'dpop'),
    malformed: reader.malformed > 0 || value.length > MAX_CHARACTERS,
  };
}

interface Found {
  readonly scheme: string;
  readonly parameters: Map<string, string>;
}

/** A semicolon is not a separator in the grammar; servers that write headers by hand use it like a comma. */
const SEPARATORS = /[\s,;]*/uy;
const WORD = /[\w!#$%&*+.^`|~-]+/uy;
const EQUALS = /[ \t]*=[ \t]*/uy;
/** What follows a scheme: nothing, a token68 or a parameter (RFC 9110 section 11.3). */
const AFTER_SCHEME = /(?=[ \t]*(?:,|$)|[ \t]+[\w.~+/-]+=*[ \t]*(?:,|$)|[ \t]+[\w!#$%&*+.^`|~-]+[ \t]*=)/uy;
/** RFC 9110 section 11.2, at the end of a challenge. */
const TOKEN68 = /[ \t]+[\w.~+/-]+=*[ \t]*(?=,|$)/uy;
const QUOTED = /"((?:[^"\\]|\\.)*)"(?=[\s,;]|$)/suy;
const SINGLE_QUOTED = /'([^']*)'(?=[\s,;]|$)/uy;
/** The start of the next parameter or of the next challenge, as far as clients use them. */
const NEXT =
  '(?:(?:error|error_description|error_uri|scope|resource_metadata|realm|algs)[ \\t]{0,4}=|(?:bearer|dpop)[ \\t])';
const UNQUOTED = new RegExp(`(?:[^\\s,;"']|;(?!\\s|$|${NEXT}))+(?=[\\s,;]|$)`, 'iuy');
/** A text with quotes inside it, or without the quote at its end: it ends where the next parameter starts, or the header. */
const BROKEN_QUOTED = new RegExp(
  `"(.*?)(?:"(?=[ \\t]{0,4}(?:[,;]|$))|"?(?=[ \\t]{0,4}[,;]\\s{0,4}${NEXT}|\\s{1,4}[a-z_]{4,20}="|[ \\t]{0,4}$))`,
  'isuy',
);
/** A text without quotes that contains spaces. */
const UNQUOTED_TEXT = new RegExp(`([^\\s,;"'].*?)(?=[ \\t]{0,4}(?:[,;]\\s{0,4}|[ \\t])${NEXT}|[ \\t]{0,4}$)`, 'isuy');
const TEXTS: ReadonlySet<string> = new Set(['error_description', 'scope', 'realm']);
const REST_OF_PART = /[^,;]*/uy;

class ChallengeReader {
  readonly found: Found[] = [];
  malformed = 0;
  readonly #text: string;
  #at = 0;
  /** The number of parameters of the current challenge so far. */
  #parametersRead = 0;
  /** Removes the parameter that was read last. */
  #dropLast: () => void = () => undefined;

  constructor(text: string) {
    this.#text = text;
  }

  read(): void {
    while (this.malformed <= MAX_MALFORMED) {
      const separator = this.#take(SEPARATORS)?.[0] ?? '';
      if (this.#at >= this.#text.length) return;
      const word = this.#take(WORD)?.[0];
      if (word === undefined) this.#skipPart();
      else if (this.#take(EQUALS)) this.#readParameter(word.toLowerCase(), separator);
      else this.#readScheme(word.toLowerCase(), separator);
    }
  }

  /** Removes the parameter whose value reaches the end of the text, because the rest of it is missing. */
  dropCutParameter(): void {
    if (this.#at >= this.#text.length) this.#dropLast();
  }

  /** A word without a value is a scheme if it is the first one or follows a comma or a semicolon. Another word is left out. */
  #readScheme(scheme: string, separator: string): void {
    const isOurs = scheme === 'bearer' || scheme === 'dpop';
    const isPlaced = this.found.length === 0 || /[,;]/u.test(separator);
    if (!isPlaced || !(isOurs || this.#take(AFTER_SCHEME))) {
      this.malformed += 1;
      return;
    }
    this.found.push({ scheme, parameters: new Map() });
    this.#parametersRead = 0;
    if (this.#take(TOKEN68) && isOurs) this.malformed += 1;
  }

  #readParameter(name: string, separator: string): void {
    const parameters = this.found.at(-1)?.parameters;
    const isFirst = this.#parametersRead === 0;
    // The scheme, or the comma before the parameter, is missing.
    if (!parameters || (!isFirst && !separator.includes(',')) || separator.includes(';')) this.malformed += 1;
    this.#parametersRead += 1;
    const value = this.#readValue(name);
    if (value === undefined) return this.#skipPart();
    if (!NAMES.has(name)) return;
    if (parameters?.has(name)) this.malformed += 1;
    else if (parameters) parameters.set(name, value);
    // Some servers leave out the scheme of the only challenge.
    else this.found.push({ scheme: 'bearer', parameters: new Map([[name, value]]) });
    const added = this.found.at(-1)?.parameters;
    this.#dropLast = () => void added?.delete(name);
  }

  /** The value of a parameter, or undefined if it cannot be read. A value that can be read in one way only is accepted. */
  #readValue(name: string): string | undefined {
    const quoted = this.#take(QUOTED)?.[1];
    if (quoted !== undefined) return this.#utf8(quoted.replaceAll(/\\(.)/gsu, '$1'));
    const single = this.#take(SINGLE_QUOTED)?.[1];
    if (single !== undefined) {
      this.malformed += 1;
      return this.#utf8(single);
    }
    const broken = this.#take(BROKEN_QUOTED)?.[1];
    if (broken !== undefined) {
      this.malformed += 1;
      return this.#utf8(broken);
    }
    const unquoted = this.#take(TEXTS.has(name) ? UNQUOTED_TEXT : UNQUOTED)?.[0];
    if (unquoted === undefined) return undefined;
    if (!/^[\w!#$%&*+.^`|~-]+$/u.test(unquoted)) this.malformed += 1;
    return this.#utf8(unquoted);
  }

  /** Headers are read as Latin-1. A value that is not ASCII breaks RFC 6750 section 3; if it is UTF-8, its text is kept. */
  #utf8(value: string): string {
    if (/^[\t\x20-\x7e]*$/u.test(value)) return value;
    this.malformed += 1;
    const decoded = Buffer.from(value, 'latin1').toString('utf8');
    return decoded.includes('\uFFFD') ? value : decoded;
  }

  #skipPart(): void {
    this.malformed += 1;
    this.#take(REST_OF_PART);
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (!match) return undefined;
    this.#at = pattern.lastIndex;
    return match;
  }
}
