import { testHostileFields } from "./hostile/fields.js";

// `npm run test:hostile` has all of them.
testHostileFields(12);
