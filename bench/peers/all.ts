import type { Contender } from './contender.ts';
import { credenceV1, credenceV2, credenceV2Auto } from './credence.ts';
import { crossAppAccess } from './cross-app-access.ts';
import { minimumOnceV1, minimumOnceV2, minimumV1, minimumV2 } from './minimum.ts';
import { privateKeyJwtV1 } from './private-key-jwt.ts';

export type ContenderName =
  | 'peer-v1'
  | 'peer-v2'
  | 'minimum-v1'
  | 'minimum-v2'
  | 'minimum-once-v1'
  | 'minimum-once-v2'
  | 'credence-v1'
  | 'credence-v2'
  | 'credence-v2-auto';

export const contenders: Readonly<Record<ContenderName, Contender>> = {
  'peer-v1': privateKeyJwtV1,
  'peer-v2': crossAppAccess,
  'minimum-v1': minimumV1,
  'minimum-v2': minimumV2,
  'minimum-once-v1': minimumOnceV1,
  'minimum-once-v2': minimumOnceV2,
  'credence-v1': credenceV1,
  'credence-v2': credenceV2,
  'credence-v2-auto': credenceV2Auto,
};
