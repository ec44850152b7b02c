import { type Bench, goodClaims, goodHeader, ProofKey } from './bad-grants.ts';
import { ALGORITHMS, base64url, type Claims, type Header } from './issuer.ts';
import type { Random } from './random.ts';
import type { RedeemOptions } from './redeem.ts';

/** The claims and header of an ID-JAG before it is signed, and the issuer whose key signs it. */
interface Draft {
  claims: Claims;
  header: Header;
  signer: 'idp' | 'shared' | 'stranger';
}

interface Breakage {
  readonly name: string;
  /** Changes the ID-JAG before it is signed, so that a correct server must refuse it. */
  readonly draft?: (draft: Draft, random: Random) => void;
  /** Changes the JSON text of the claims. */
  readonly json?: (json: string, random: Random) => string;
  /** Changes the signed ID-JAG. */
  readonly text?: (assertion: string, random: Random) => string;
  /** Binds the ID-JAG to a key, and returns request options with an invalid DPoP proof or none. */
  readonly proof?: (draft: Draft, bench: Bench, random: Random) => Promise<BadProof>;
  readonly isReplay?: true;
}

interface BadProof {
  readonly options: RedeemOptions;
  readonly before?: Request;
}

interface Request {
  readonly assertion: string;
  readonly options: RedeemOptions;
}

const REQUIRED = ['iss', 'sub', 'aud', 'client_id', 'jti', 'exp', 'iat'];
/** Claims whose value must be equal to the expected string. */
const EXACT = ['iss', 'aud', 'client_id', 'resource'];

const BREAKAGES: readonly Breakage[] = [
  {
    name: 'a required claim is missing',
    draft: ({ claims }, random) => Reflect.deleteProperty(claims, random.pick(REQUIRED)),
  },
  {
    name: 'a claim has a wrong type',
    draft: ({ claims }, random) => {
      const name = random.pick([
        ...REQUIRED,
        'scope',
        'tenant',
        'act',
        'cnf',
        'authorization_details',
        'groups',
        'nbf',
      ]);
      claims[name] = wrongType(name, random);
    },
  },
  {
    name: 'a claim has a changed value',
    draft: ({ claims }, random) => {
      const name = random.pick(EXACT);
      claims[name] = edited(String(claims[name]), random);
    },
  },
  {
    name: 'aud is a list of several values',
    draft: ({ claims }, random) => {
      const others = Array.from({ length: 1 + random.below(3) }, () => random.pick([claims['aud'], text(random)]));
      claims['aud'] = [claims['aud'], ...others];
    },
  },
  {
    name: 'the times are invalid',
    draft: ({ claims }, random) => {
      const now = Math.floor(Date.now() / 1000);
      const past = 6 + random.below(100_000);
      const ahead = 8 + random.below(100_000);
      Object.assign(
        claims,
        random.pick([
          { iat: now - past - 10, exp: now - past },
          { iat: now + ahead, exp: now + ahead + 60 },
          { nbf: now + ahead },
          { iat: now - 5, exp: now - 5 + 3601 + random.below(1e9) },
          { iat: now + 2, exp: now + 2 - random.below(100) },
        ]),
      );
    },
  },
  {
    name: 'typ is invalid',
    draft: ({ header }, random) => {
      header['typ'] = random.pick([text(random), edited('oauth-id-jag+jwt', random), 7, null, undefined]);
    },
  },
  {
    name: 'kid is invalid',
    draft: ({ header }, random) => {
      header['kid'] = random.pick([text(random), edited('ES256', random), 7, null, {}, ...ALGORITHMS.slice(1)]);
    },
  },
  {
    name: 'the header has a crit parameter',
    draft: ({ header }) => Object.assign(header, { crit: ['urn:example'], 'urn:example': true }),
  },
  {
    name: 'the signature is of another issuer',
    draft: (draft, random) => {
      draft.signer = random.pick(['shared', 'stranger']);
    },
  },
  { name: 'a member occurs twice', json: withRepeatedMember },
  { name: 'the DPoP proof is invalid', proof: withBadProof },
  { name: 'the ID-JAG was used before', isReplay: true },
  { name: 'alg is not the algorithm of the signature', text: withAlgorithm },
  { name: 'a byte is changed', text: withChangedByte },
  { name: 'the number of parts is wrong, or a part is empty', text: withChangedParts },
  {
    name: 'the text is truncated, or longer',
    text: (assertion, random) =>
      random.below(2) === 0
        ? assertion.slice(0, 1 + random.below(assertion.length - 4))
        : `${assertion}.${text(random)}`,
  },
];

export interface Broken extends Request {
  /** Requests to send first, so that the ID-JAG or its DPoP proof is used before. */
  readonly before: readonly Request[];
  /** The names of the defects. */
  readonly how: readonly string[];
}

/** An ID-JAG with one to three random defects. */
export async function brokenGrant(bench: Bench, random: Random): Promise<Broken> {
  const draft: Draft = { claims: goodClaims(bench), header: goodHeader(), signer: 'idp' };
  const chosen = chosenBreakages(1 + random.below(3), random);
  for (const breakage of chosen) breakage.draft?.(draft, random);
  const proven = await chosen.find(({ proof }) => proof !== undefined)?.proof?.(draft, bench, random);
  let json = randomJson(draft.claims, random);
  for (const breakage of chosen) json = breakage.json?.(json, random) ?? json;
  let assertion = await bench[draft.signer].sign(json, draft.header);
  for (const breakage of chosen) assertion = breakage.text?.(assertion, random) ?? assertion;
  const request = { assertion, options: proven?.options ?? {} };
  const before = proven?.before === undefined ? [] : [proven.before];
  if (chosen.some(({ isReplay }) => isReplay)) before.push(request);
  return { ...request, before, how: chosen.map(({ name }) => name) };
}

/** Picks distinct defects. At most one changes the signed text, because a second change can undo the first. */
function chosenBreakages(count: number, random: Random): Breakage[] {
  const chosen: Breakage[] = [];
  while (chosen.length < count) {
    const isText = chosen.some(({ text: ofText }) => ofText !== undefined);
    chosen.push(
      random.pick(BREAKAGES.filter((each) => !chosen.includes(each) && !(isText && each.text !== undefined))),
    );
  }
  return chosen;
}

function randomJson(claims: Claims, random: Random): string {
  // rotated order and random indentation, because the server must not depend on how JSON.stringify writes JSON
  const entries = Object.entries(claims).filter(([, value]) => value !== undefined);
  const rotation = random.below(entries.length + 1);
  const ordered = Object.fromEntries([...entries.slice(rotation), ...entries.slice(0, rotation)]);
  return JSON.stringify(ordered, null, random.below(3));
}

function wrongType(name: string, random: Random): unknown {
  const isNumber = ['exp', 'iat', 'nbf'].includes(name);
  const isObject = ['act', 'cnf'].includes(name);
  const isList = ['authorization_details', 'groups'].includes(name);
  return random.pick<unknown>([
    null,
    random.below(2) === 0,
    isNumber ? text(random) : random.below(1e9),
    isList ? [random.below(9)] : [random.below(9), text(random)],
    isObject ? text(random) : { [text(random)]: random.below(9) },
  ]);
}

/** The text with one character inserted, removed or appended. */
function edited(original: string, random: Random): string {
  const at = random.below(original.length);
  const more = random.pick(['x', '/', '#', ' ', 'é', '\u0000', '%2F']);
  const [before, after] = [original.slice(0, at), original.slice(at + 1)];
  return random.pick([`${before}${more}${original.slice(at)}`, `${before}${after}`, `${original}${more}`]);
}

function text(random: Random): string {
  return Array.from({ length: 1 + random.below(20) }, () => String.fromCodePoint(33 + random.below(90))).join('');
}

function withAlgorithm(assertion: string, random: Random): string {
  const [, ...rest] = assertion.split('.');
  const alg = random.pick(['none', 'HS256', 'ES384', 'RS256', 'PS256', 'EdDSA', 'es256', text(random)]);
  return [base64url(JSON.stringify({ ...goodHeader(), alg })), ...rest].join('.');
}

/** Changes a byte of a decoded part. A change of the base64url text could change only its unused last bits. */
function withChangedByte(assertion: string, random: Random): string {
  const parts = assertion.split('.');
  const at = random.below(parts.length);
  const bytes = Buffer.from(parts[at] ?? '', 'base64url');
  if (bytes.byteLength === 0) return `${assertion}!`;
  const index = random.below(bytes.byteLength);
  bytes.writeUInt8(bytes.readUInt8(index) ^ (1 + random.below(255)), index);
  parts[at] = bytes.toString('base64url');
  return parts.join('.');
}

function withChangedParts(assertion: string, random: Random): string {
  const parts = assertion.split('.');
  const at = random.below(parts.length);
  return random
    .pick([parts.toSpliced(at, 1), parts.toSpliced(at, 0, parts[at] ?? ''), parts.toSpliced(at, 1, '')])
    .join('.');
}

/** Adds a member that exists already, with the same or an escaped name and the same or another value. */
function withRepeatedMember(json: string, random: Random): string {
  const [name, value] = random.pick(Object.entries(JSON.parse(json) as Claims));
  const escaped = `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`;
  const member = `"${random.pick([name, escaped])}":${JSON.stringify(random.pick([value, text(random), null]))}`;
  const nested = `"extra":[{"a":{"b":1,"c":[],"b":${random.below(9)}}}]`;
  const more = random.pick([member, nested]);
  const inner = json.trim().slice(1, -1);
  return random.pick([`{${more},${inner}}`, `{${inner},${more}}`]);
}

const FAR_SECONDS = 1000;

async function withBadProof(draft: Draft, bench: Bench, random: Random): Promise<BadProof> {
  const [own, other] = await Promise.all([ProofKey.create(), ProofKey.create()]);
  draft.claims['cnf'] = { jkt: own.thumbprint };
  const now = Math.floor(Date.now() / 1000);
  const far = FAR_SECONDS + random.below(1e6);
  const { tokenEndpoint: url } = bench;
  const proofWith = (claims: Claims, header: Header = {}) => own.proof(bench, claims, header);
  const proofMakers: readonly (() => Promise<string | undefined>)[] = [
    () => Promise.resolve(random.pick([undefined, text(random)])),
    () => other.proof(bench),
    () => proofWith({ htm: random.pick(['GET', 'post', text(random), 7, undefined]) }),
    () =>
      proofWith({
        htu: random.pick([`${url}/x`, `${url}x`, 'https://evil.example/token', text(random), 7, undefined]),
      }),
    () => proofWith({ iat: random.pick([now - far, now + far, String(now), undefined]) }),
    () => proofWith({ jti: random.pick([7, null, undefined]) }),
    () => proofWith({}, { typ: random.pick(['JWT', edited('dpop+jwt', random)]) }),
    async () => withChangedByte(await own.proof(bench), random),
  ];
  if (random.below(proofMakers.length + 1) === 0) return usedProof(own, bench);
  const proof = await random.pick(proofMakers)();
  return { options: proof === undefined ? {} : { proof } };
}

/** A valid DPoP proof, and a request with another ID-JAG that uses the proof first. */
async function usedProof(own: ProofKey, bench: Bench): Promise<BadProof> {
  const options = { proof: await own.proof(bench) };
  const claims = { ...goodClaims(bench), cnf: { jkt: own.thumbprint } };
  return { options, before: { assertion: await bench.idp.sign(JSON.stringify(claims), goodHeader()), options } };
}
