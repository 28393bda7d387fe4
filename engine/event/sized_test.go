package event

import "fmt"

// sized is the body of an event about an issue, of about so many bytes: as in real ones, half of it is the links and
// pictures of users, and much of the rest fields of the site that are null. The larger it is, the more of everything.
func sized(bytes int) []byte {
	b := []byte(`{"timestamp":1789377751113,"webhookEvent":"jira:issue_updated","issue_event_type_name":"issue_generic",`)
	if bytes > 1500 {
		b = append(appendUser(append(b, `"user":`...), 1), ',')
	}
	b = append(b, `"changelog":{"id":"10124","items":[{"field":"status","fieldtype":"jira","fieldId":"status","from":"3","fromString":"In Progress","to":"10001","toString":"In Review"}]},`...)
	b = append(b, `"issue":{"id":"14823","self":"https://tracker.example.test/rest/api/2/issue/14823","key":"LOOM-482","fields":{`+
		`"summary":"The shuttle stops when the warp is \"tight\"","status":{"self":"https://tracker.example.test/rest/api/2/status/10001","name":"In Review","id":"10001"},`+
		`"project":{"self":"https://tracker.example.test/rest/api/2/project/10007","id":"10007","key":"LOOM","name":"Loom"}`...)
	for i := 0; len(b) < bytes-300; i++ {
		b = fmt.Appendf(b, `,"customfield_%d":`, 10100+i)
		switch i % 8 {
		case 0:
			b = appendUser(b, i)
		case 1:
			b = fmt.Appendf(b, `{"self":"https://tracker.example.test/rest/api/2/customFieldOption/%d","value":"Größe %d","id":"%d"}`, i, i, i)
		case 2:
			b = fmt.Appendf(b, `"Line %d of what was seen, which goes on for a while.\r\nAnd another line; then it stops."`, i)
		case 3:
			b = fmt.Appendf(b, `[%d.0,true,"2026-09-14T10:22:31.104+0100"]`, i)
		default:
			b = append(b, `null`...)
		}
	}
	return append(b, `,"priority":{"name":"High","id":"2"},"labels":["warp","weft"]}}}`...)
}

func appendUser(b []byte, id int) []byte {
	b = fmt.Appendf(b, `{"self":"https://tracker.example.test/rest/api/2/user?accountId=712020:4f0c7a52-%04d","accountId":"712020:4f0c7a52-%04d","avatarUrls":{`, id, id)
	for i, size := range []string{"48x48", "24x24", "16x16", "32x32"} {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `"%s":"https://tracker.example.test/secure/useravatar?ownerId=712020:4f0c7a52-%04d&size=%s"`, size, id, size[:2])
	}
	return fmt.Appendf(b, `},"displayName":"Inês Duarte %d","active":true,"timeZone":"Europe/Lisbon","accountType":"atlassian"}`, id)
}
