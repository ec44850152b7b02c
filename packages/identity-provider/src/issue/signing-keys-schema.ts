import { z } from 'zod';
import { SigningKeys } from '../signing-keys/signing-keys.ts';

export const signingKeysSchema = z.custom<SigningKeys>((value) => value instanceof SigningKeys, {
  error: 'must be made by createSigningKeys()',
});
