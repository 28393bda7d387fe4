package matcher

import "sync/atomic"

// A subscription to a filter of a delta is two words. A removal stamps it with the version that brought it; a View compares stamps
// with its own version, so it keeps the subscribers it had. What is stamped in an array that replaced that of a View is newer than the View.
const (
	subscriptionGone  = 1
	subscriptionWords = 2

	furtherSubscription = 1
	furtherWords        = furtherSubscription + subscriptionWords
)

// subscribe adds a subscriber to a filter and returns the subscription. Writer only.
func (d *delta) subscribe(filter uint32, id ID) (subscription uint32) {
	further := d.extend(furtherWords)
	d.words[further] = d.words[filter+filterFurther]
	d.words[further+furtherSubscription] = uint32(id)
	atomic.StoreUint32(&d.words[filter+filterFurther], further)
	return further + furtherSubscription
}

// unsubscribe ends a subscription with the given version. Writer only.
func (d *delta) unsubscribe(subscription, version uint32) {
	atomic.StoreUint32(&d.words[subscription+subscriptionGone], version)
}

// lasts reports whether a subscription exists in a version.
func (d *delta) lasts(subscription, version uint32) bool {
	v := atomic.LoadUint32(&d.words[subscription+subscriptionGone])
	return v == 0 || v > version
}

// subscribed reports whether a filter has subscribers in a version.
func (d *delta) subscribed(filter, version uint32) bool {
	if d.lasts(filter+filterFirst, version) {
		return true
	}
	for at := d.newest(filter + filterFurther); at != 0; at = d.words[at] {
		if d.lasts(at+furtherSubscription, version) {
			return true
		}
	}
	return false
}

// collect appends the subscribers of a filter in a version.
func (d *delta) collect(dst []ID, filter, version uint32) []ID {
	if first := filter + filterFirst; d.lasts(first, version) {
		dst = append(dst, ID(d.words[first]))
	}
	for at := d.newest(filter + filterFurther); at != 0; at = d.words[at] {
		if s := at + furtherSubscription; d.lasts(s, version) {
			dst = append(dst, ID(d.words[s]))
		}
	}
	return dst
}
