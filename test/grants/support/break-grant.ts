import { type Bench, goodClaims, goodHeader, ProofKey } from './bad-grants.ts';
import { ALGORITHMS, base64url, type Claims, type Header } from './issuer.ts';
import type { Random } from './random.ts';
import type { RedeemOptions } from './redeem.ts';

/** A grant on its way to being broken: still an object, or already text. */
interface Draft {
  claims: Claims;
  header: Header;
  signer: 'idp' | 'shared' | 'stranger';
}

interface Breakage {
  readonly name: string;
  /** Breaks the draft, or what is made of it, so that no honest server can accept it. */
  readonly draft?: (draft: Draft, random: Random) => void;
  /** Of the claims as JSON. */
  readonly json?: (json: string, random: Random) => string;
  readonly text?: (assertion: string, random: Random) => string;
  /** Binds the grant to a key, and makes a request without a good proof by it. */
  readonly proof?: (draft: Draft, bench: Bench, random: Random) => Promise<Proven>;
  readonly isReplay?: true;
}

interface Proven {
  readonly options: RedeemOptions;
  readonly before?: Request;
}

interface Request {
  readonly assertion: string;
  readonly options: RedeemOptions;
}

const REQUIRED = ['iss', 'sub', 'aud', 'client_id', 'jti', 'exp', 'iat'];
/** Claims that are only ever a string, and must be ours to the letter. */
const EXACT = ['iss', 'aud', 'client_id', 'resource'];

const BREAKAGES: readonly Breakage[] = [
  {
    name: 'a required claim is missing',
    draft: ({ claims }, random) => Reflect.deleteProperty(claims, random.pick(REQUIRED)),
  },
  {
    name: 'a claim is of a wrong type',
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
    name: 'a claim is another’s',
    draft: ({ claims }, random) => {
      const name = random.pick(EXACT);
      claims[name] = edited(String(claims[name]), random);
    },
  },
  {
    name: 'the audience is a list of several',
    draft: ({ claims }, random) => {
      const others = Array.from({ length: 1 + random.below(3) }, () => random.pick([claims['aud'], text(random)]));
      claims['aud'] = [claims['aud'], ...others];
    },
  },
  {
    name: 'the times are impossible',
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
    name: 'the type is another',
    draft: ({ header }, random) => {
      header['typ'] = random.pick([text(random), edited('oauth-id-jag+jwt', random), 7, null, undefined]);
    },
  },
  {
    name: 'the key is nobody’s',
    draft: ({ header }, random) => {
      header['kid'] = random.pick([text(random), edited('ES256', random), 7, null, {}, ...ALGORITHMS.slice(1)]);
    },
  },
  {
    name: 'the header has something critical',
    draft: ({ header }) => Object.assign(header, { crit: ['urn:example'], 'urn:example': true }),
  },
  {
    name: 'the signature is another’s',
    draft: (draft, random) => {
      draft.signer = random.pick(['shared', 'stranger']);
    },
  },
  { name: 'a member is there twice', json: withRepeatedMember },
  { name: 'the proof is not good', proof: withBadProof },
  { name: 'it was used before', isReplay: true },
  { name: 'the algorithm is not what was signed with', text: withAlgorithm },
  { name: 'a byte is another', text: flipped },
  { name: 'a part is missing, or one too many', text: reparted },
  {
    name: 'it is cut, or goes on',
    text: (assertion, random) =>
      random.below(2) === 0
        ? assertion.slice(0, 1 + random.below(assertion.length - 4))
        : `${assertion}.${text(random)}`,
  },
];

export interface Broken extends Request {
  /** To be sent first: what was used before, as a whole or its proof. */
  readonly before: readonly Request[];
  /** What was done to it. */
  readonly how: readonly string[];
}

/** A good grant with one to three things broken about it. */
export async function brokenGrant(bench: Bench, random: Random): Promise<Broken> {
  const draft: Draft = { claims: goodClaims(bench), header: goodHeader(), signer: 'idp' };
  const chosen = chosenBreakages(1 + random.below(3), random);
  for (const breakage of chosen) breakage.draft?.(draft, random);
  const proven = await chosen.find(({ proof }) => proof !== undefined)?.proof?.(draft, bench, random);
  let json = written(draft.claims, random);
  for (const breakage of chosen) json = breakage.json?.(json, random) ?? json;
  let assertion = await bench[draft.signer].sign(json, draft.header);
  for (const breakage of chosen) assertion = breakage.text?.(assertion, random) ?? assertion;
  const request = { assertion, options: proven?.options ?? {} };
  const before = proven?.before === undefined ? [] : [proven.before];
  if (chosen.some(({ isReplay }) => isReplay)) before.push(request);
  return { ...request, before, how: chosen.map(({ name }) => name) };
}

/** Each once, and text broken once only: twice can be as if never. */
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

function written(claims: Claims, random: Random): string {
  // Nobody has to write JSON the way JSON.stringify does.
  const entries = Object.entries(claims).filter(([, value]) => value !== undefined);
  const turned = random.below(entries.length + 1);
  const ordered = Object.fromEntries([...entries.slice(turned), ...entries.slice(0, turned)]);
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

/** The same text with one character more, less, or another. */
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

/** Some byte of some part, decoded, is another; the last bits of base64url alone would change nothing. */
function flipped(assertion: string, random: Random): string {
  const parts = assertion.split('.');
  const at = random.below(parts.length);
  const bytes = Buffer.from(parts[at] ?? '', 'base64url');
  if (bytes.byteLength === 0) return `${assertion}!`;
  const index = random.below(bytes.byteLength);
  bytes.writeUInt8(bytes.readUInt8(index) ^ (1 + random.below(255)), index);
  parts[at] = bytes.toString('base64url');
  return parts.join('.');
}

function reparted(assertion: string, random: Random): string {
  const parts = assertion.split('.');
  const at = random.below(parts.length);
  return random
    .pick([parts.toSpliced(at, 1), parts.toSpliced(at, 0, parts[at] ?? ''), parts.toSpliced(at, 1, '')])
    .join('.');
}

/** One of the members again, its name maybe written in another way, and its value maybe another. */
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

async function withBadProof(draft: Draft, bench: Bench, random: Random): Promise<Proven> {
  const [own, other] = await Promise.all([ProofKey.create(), ProofKey.create()]);
  draft.claims['cnf'] = { jkt: own.thumbprint };
  const now = Math.floor(Date.now() / 1000);
  const far = FAR_SECONDS + random.below(1e6);
  const { tokenEndpoint: url } = bench;
  const wrong = (claims: Claims, header: Header = {}) => own.proof(bench, claims, header);
  const breaking: readonly (() => Promise<string | undefined>)[] = [
    () => Promise.resolve(random.pick([undefined, text(random)])),
    () => other.proof(bench),
    () => wrong({ htm: random.pick(['GET', 'post', text(random), 7, undefined]) }),
    () =>
      wrong({ htu: random.pick([`${url}/x`, `${url}x`, 'https://evil.example/token', text(random), 7, undefined]) }),
    () => wrong({ iat: random.pick([now - far, now + far, String(now), undefined]) }),
    () => wrong({ jti: random.pick([7, null, undefined]) }),
    () => wrong({}, { typ: random.pick(['JWT', edited('dpop+jwt', random)]) }),
    async () => flipped(await own.proof(bench), random),
  ];
  if (random.below(breaking.length + 1) === 0) return usedProof(own, bench);
  const proof = await random.pick(breaking)();
  return { options: proof === undefined ? {} : { proof } };
}

/** A good proof, and a good grant that it is used with first. */
async function usedProof(own: ProofKey, bench: Bench): Promise<Proven> {
  const options = { proof: await own.proof(bench) };
  const claims = { ...goodClaims(bench), cnf: { jkt: own.thumbprint } };
  return { options, before: { assertion: await bench.idp.sign(JSON.stringify(claims), goodHeader()), options } };
}
