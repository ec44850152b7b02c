import { type Unescaped, unescaped } from './escapes.ts';

/** A shorter secret is not looked for, because it could be a part of an ordinary word. */
const MIN_SECRET = 6;
/** A part of a secret is removed if it has at least this many characters. */
const MIN_PART = 16;
/** Every part of `MIN_PART` characters contains one of the secret's chunks of this length. */
const CHUNK = 8;
/** A backslash, or an escape of one. */
const BACKSLASH = /\\|%5c|&#(?:92|x5c);|&bsol;/iu;
/** Texts of at most this length are searched without an index of the secrets. */
const SHORT_TEXT = 512;
/** A secret without escapes and without characters that decoding leaves out. */
const UNESCAPED = /^[!-$'-*,-[\]-~]*$/u;
const REPLACEMENT = '[redacted]';
const BASE64_SIGNS: ReadonlySet<string> = new Set('-_+/=');

/** A range of a text, in UTF-16 code units. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * Replaces the secrets, and every part of a secret that has 16 characters or more, by `[redacted]`, in each spelling that a peer may
 * use: as it is, percent-encoded or form-encoded (wholly or in part, once or several times), with the escapes of JSON or HTML, in
 * base64 or base64url (alone, or as part of a longer value such as `id:secret`), in hexadecimal digits, in another letter case, and with
 * white space or invisible characters inside. Secrets of fewer than six characters stay. The time is linear in the length of the text.
 */
export function redact(text: string, secrets: Iterable<string>): string {
  return redactor(secrets)(text);
}

/** {@link redact} for several texts. The secrets are prepared when the first text needs it. */
export function redactor(secrets: Iterable<string>): (text: string) => string {
  const wanted = [...new Set(secrets)].filter((secret) => secret.length >= MIN_SECRET);
  let prepared: Prepared | undefined;
  let shortest: number | undefined;
  return (text) => {
    if (wanted.length === 0) return text;
    shortest ??= Math.min(MIN_PART, ...wanted.map((secret) => decoded(secret).length));
    if (text.length < shortest) return text;
    prepared ??= prepare(wanted);
    return withoutRanges(text, secretRanges(text, wanted, prepared));
  };
}

function decoded(secret: string): string {
  return UNESCAPED.test(secret) ? secret.toLowerCase() : unescaped(secret).bytes;
}

/** The forms of the secrets to look for. */
interface Prepared {
  /** The decoded secrets and their hexadecimal digits. They are looked for in the decoded text. */
  readonly plain: Forms;
  /** The secrets in base64. They are looked for in the decoded text, in which the two alphabets of base64 are made one. */
  readonly base64: Forms;
}

interface Forms {
  /** The forms that are too short to be recognised by a part. */
  readonly short: readonly string[];
  readonly long: readonly string[];
  /** Where a chunk of `CHUNK` characters stands in a long form. The index is built when a long text needs it. */
  chunks: ReadonlyMap<string, Place> | undefined;
}

/** A position in a form. */
interface Place {
  readonly form: string;
  readonly at: number;
}

function prepare(secrets: readonly string[]): Prepared {
  const plain = new Set<string>();
  const base64 = new Set<string>();
  for (const secret of secrets) {
    plain.add(decoded(secret));
    if (!UNESCAPED.test(secret)) plain.add(unescaped(secret, { spaceEscapes: false }).bytes);
    // A secret in a form or a URL may be encoded before base64.
    for (const spelling of new Set([secret, formEncoded(secret), encodeURIComponent(Buffer.from(secret).toString())])) {
      plain.add(Buffer.from(spelling).toString('hex'));
      for (const form of base64Forms(spelling)) base64.add(form);
    }
  }
  return { plain: formsOf(plain), base64: formsOf(base64) };
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

/** The base64 of a text at each of the three positions that it can have in a longer value, without the characters that depend on the rest. */
function base64Forms(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64url');
    const whole = Math.floor(((bytes.length + before) * 8) / 6);
    return base64Letters(encoded.slice(Math.ceil((before * 8) / 6), whole).toLowerCase());
  });
}

/** Text in base64 or base64url without the characters that differ between the two, and without padding. */
function base64Letters(text: string): string {
  return text.replace(/[-_+/=]/gu, '');
}

function formsOf(forms: ReadonlySet<string>): Forms {
  const all = [...forms].filter((form) => form.length >= MIN_SECRET);
  return {
    short: all.filter((form) => form.length < MIN_PART),
    long: all.filter((form) => form.length >= MIN_PART),
    chunks: undefined,
  };
}

function chunksOf(forms: readonly string[]): ReadonlyMap<string, Place> {
  const chunks = new Map<string, Place>();
  for (const form of forms) {
    for (let at = 0; at + CHUNK <= form.length; at += CHUNK) chunks.set(form.slice(at, at + CHUNK), { form, at });
  }
  return chunks;
}

function secretRanges(text: string, secrets: readonly string[], prepared: Prepared): Range[] {
  const ranges = secrets.flatMap((secret) => [...occurrences(text, secret)]);
  for (const spaceEscapes of BACKSLASH.test(text) ? [true, false] : [true]) {
    ranges.push(...decodedRanges(text, unescaped(text, { spaceEscapes }), prepared));
  }
  return ranges;
}

function* decodedRanges(text: string, decoded: Unescaped, { plain, base64 }: Prepared): Generator<Range> {
  const { bytes, from: starts, to: ends } = decoded;
  const inText = (first: number, last: number): Range => ({ from: starts[first] ?? 0, to: ends[last] ?? text.length });
  for (const { from, to } of formRanges(bytes, plain)) yield inText(from, to - 1);

  const positions = base64Positions(bytes);
  for (const { from, to } of formRanges(base64Letters(bytes), base64)) {
    yield withNeighbours(text, inText(positions[from] ?? 0, positions[to - 1] ?? 0));
  }
}

/** Every occurrence of `wanted`, without overlaps. */
function* occurrences(text: string, wanted: string): Generator<Range> {
  for (let from = text.indexOf(wanted); from >= 0; from = text.indexOf(wanted, from + wanted.length)) {
    yield { from, to: from + wanted.length };
  }
}

/** The ranges of `text` that are a short form, or a part of a long form with at least `MIN_PART` characters. */
function* formRanges(text: string, forms: Forms): Generator<Range> {
  for (const form of forms.short) yield* occurrences(text, form);
  if (text.length < MIN_PART) return;
  if (text.length <= SHORT_TEXT) yield* partsOfShortText(text, forms.long);
  else yield* partsOfLongText(text, (forms.chunks ??= chunksOf(forms.long)));
}

/** Looks for the chunks of the text in the forms. For a short text this is faster than an index of the forms. */
function* partsOfShortText(text: string, forms: readonly string[]): Generator<Range> {
  for (let at = 0; at + CHUNK <= text.length; at += CHUNK) {
    const chunk = text.slice(at, at + CHUNK);
    for (const form of forms) {
      for (const { from } of occurrences(form, chunk)) {
        const part = extended(text, at, { form, at: from }, 0);
        if (part.to - part.from >= MIN_PART) yield part;
      }
    }
  }
}

/** Looks for the chunks of the forms in the text. */
function* partsOfLongText(text: string, chunks: ReadonlyMap<string, Place>): Generator<Range> {
  let done = 0;
  let at = 0;
  while (at + CHUNK <= text.length) {
    const place = chunks.get(text.slice(at, at + CHUNK));
    const part = place && extended(text, at, place, done);
    if (part && part.to - part.from >= MIN_PART) {
      yield part;
      done = part.to;
      at = done;
    } else {
      at += 1;
    }
  }
}

/** The longest range of `text` around the chunk at `at`, from `first` on, that is equal to the form around its chunk. */
function extended(text: string, at: number, { form, at: inForm }: Place, first: number): Range {
  let before = 0;
  while (at - before > first && inForm > before && text[at - before - 1] === form[inForm - before - 1]) before += 1;
  let after = CHUNK;
  while (at + after < text.length && inForm + after < form.length && text[at + after] === form[inForm + after]) {
    after += 1;
  }
  return { from: at - before, to: at + after };
}

/** The positions of the characters that {@link base64Letters} keeps. */
function base64Positions(text: string): readonly number[] {
  const positions: number[] = [];
  for (let at = 0; at < text.length; at += 1) if (!BASE64_SIGNS.has(text[at] ?? '')) positions.push(at);
  return positions;
}

/**
 * The range with up to four more characters of base64 at each end: padding, and characters that belong to the secret in part.
 */
function withNeighbours(text: string, { from, to }: Range): Range {
  let [first, last] = [from, to];
  while (from - first < 4 && /[\w+/=-]/u.test(text[first - 1] ?? '')) first -= 1;
  while (last - to < 4 && /[\w+/=-]/u.test(text[last] ?? '')) last += 1;
  return { from: first, to: last };
}

/** The text with one replacement for all ranges that overlap or touch. */
function withoutRanges(text: string, ranges: Range[]): string {
  const [first, ...others] = ranges.sort((a, b) => a.from - b.from);
  if (!first) return text;
  let result = text.slice(0, first.from) + REPLACEMENT;
  let done = first.to;
  for (const { from, to } of others) {
    if (from > done) result += text.slice(done, from) + REPLACEMENT;
    done = Math.max(done, to);
  }
  return result + text.slice(done);
}
